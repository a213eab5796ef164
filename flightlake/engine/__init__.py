"""The engine: statements over Iceberg tables, by DataFusion.

DataFusion runs on as many threads as there are cores, and a cross join whose rows are all
filtered away never lets go of its thread, not even when it is cancelled (apache/datafusion#19358):
one such statement made all others wait for ever.  With more threads the operating system shares
the cores out, so this is set before DataFusion starts its threads.
"""

import os

os.environ.setdefault("TOKIO_WORKER_THREADS", str(max(32, 4 * (os.cpu_count() or 1))))
