"""The engine: statements over Iceberg tables, by DataFusion.

DataFusion runs on as many threads as there are cores, and a cross join whose rows are all
filtered away never lets go of its thread, not even when it is cancelled (apache/datafusion#19358):
one such statement made all others wait for ever.  With more threads the operating system shares
the cores out, so this is set before DataFusion starts its threads.

Its allocator (mimalloc 2) keeps a large block that another thread gave back until the thread that
took it has taken a hundred more; and column chunks are read by one thread and let go by another,
so scanning one column again and again grew to a gigabyte.  A thread that holds more than two
segments (of 32 MiB) hands them on to whoever needs them; and what it takes of a segment it takes
page by page, so that what is free in between goes back to the system.  It gives back after a
twentieth of a second: sooner, large groups, which give and take all the time, cost more; later, a
process that makes large groups again and again keeps more.
"""

import os

os.environ.setdefault("TOKIO_WORKER_THREADS", str(max(32, 4 * (os.cpu_count() or 1))))
os.environ.setdefault("MIMALLOC_TARGET_SEGMENTS_PER_THREAD", "2")
os.environ.setdefault("MIMALLOC_EAGER_COMMIT", "0")
os.environ.setdefault("MIMALLOC_PURGE_DELAY", "50")
