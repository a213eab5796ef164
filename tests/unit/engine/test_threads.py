"""A statement that the engine cannot interrupt leaves room for others."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path
from flightlake.cancellation import Cancellation
from tests.fix_engine import Defaults, Lab, engine_on, in_thread, small_lake

folder = Path(sys.argv[1])
lake = small_lake(folder)
lab = Lab(engine_on({lake.name: lake.open()}, folder / "spill"), Defaults(lake.name, lake.root))
crossed = ", ".join(f"big {name}" for name in "abcdef")
for _ in range(2):
    plan = lab.plan(f"SELECT count(*) FROM {crossed} WHERE a.x + f.x < 0")
    stuck = lab.engine.start(plan, Cancellation())
    in_thread(lambda stuck=stuck: list(stuck))
served = in_thread(lambda: lab.rows("SELECT grp, count(*) FROM big WHERE x > 3 GROUP BY grp"))
print(len(served.result(300)), flush=True)
import os
os._exit(0)  # the engine's threads would not end
"""


def test_others_are_served_beside_cross_joins_that_never_yield(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.split() == ["12"], done.stderr
