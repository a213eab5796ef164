"""Write ``refused.txt`` anew: ``python -m tests.corpus.refused``.

A look at the difference belongs to it: the list may shrink, and grows only with new tables.
"""

import tempfile
from pathlib import Path

from tests.corpus import reading


def main() -> None:
    """Ask the engine for every state of every table, and write down what it refuses."""
    with tempfile.TemporaryDirectory() as folder, reading.opened(Path(folder) / "spill") as lab:
        found = reading.refusals(lab)
    lines = [f"{key}: {reason}\n" for key, reason in found.items()]
    reading.REFUSED.write_text("".join(lines))


if __name__ == "__main__":
    main()
