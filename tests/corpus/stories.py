"""``make corpus-stories``: random stories, and every state held against Spark's reading.

``make corpus-stories ARGS='SEED COUNT'`` has Spark and DuckDB tell *COUNT* stories (50) each, the
first from *SEED* (0).  One takes Spark about half a minute.  Nothing of it is kept.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.components import iceberg_rest
from tests.corpus import generate, place, reading

REST = "FLIGHTLAKE_CORPUS_REST"  # as the writers call it


def main(first: str = "0", count: str = "50") -> int:
    """Tell the stories and read them; returns the exit code."""
    python, jars = generate.tools()
    told = "tests.corpus.writers.stories"
    with place.held():
        place.PLACE.mkdir()
        settings = os.environ | {"TZ": "UTC", REST: str(iceberg_rest.ensure())}
        command = [str(python), "-m", told, str(jars), first, count]
        subprocess.run(command, cwd=generate.ROOT, env=settings, check=True)
        with tempfile.TemporaryDirectory() as folder, reading.on_the_place(Path(folder)) as lab:
            wrong = read = 0
            for path in sorted(place.ANSWERS.glob("*.json")):
                found = reading.survey(lab, path.stem)
                read += len(reading.states(json.loads(path.read_text())))
                lines = [*found.different, *(f"refused: {why}" for why in found.refused.values())]
                if lines:
                    wrong += 1
                    story = path.parent.with_name(f"{path.stem}.txt").read_text()
                    print(f"--- {path.stem}", story, *(line[:600] for line in lines), sep="\n")
    print(f"{read} states read; stories with a difference: {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
