"""What planning takes with a limit on memory, in a process that does nothing else.

``python -m bench.planning_memory [DIRECTORY, SCHEMA, BYTES]``
"""

import json
import os
import sys
from pathlib import Path

from bench.data import Lakehouse
from bench.planning import measure_memory

if __name__ == "__main__":
    directory, db_schema, setting = json.loads(sys.argv[1])
    lakehouse = Lakehouse(Path(directory), db_schema)
    print(json.dumps(measure_memory(lakehouse, setting, os.getpid())))
