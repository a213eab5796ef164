"""Write ``refused.txt`` anew: ``python -m tests.corpus.refused``.

A look at the difference belongs to it: the list may shrink, and grows only with new tables.
"""

import sys
import tempfile
from pathlib import Path

from tests.corpus import reading


def main() -> int:
    """Read every table, write down what is refused, and show what differs from Spark."""
    lines, different = [], []
    with tempfile.TemporaryDirectory() as folder, reading.opened(Path(folder) / "spill") as lab:
        for name in reading.names():
            survey = reading.survey(lab, name)
            lines += [f"{key}: {reason}\n" for key, reason in survey.refused.items()]
            different += survey.different
    reading.REFUSED.write_text("".join(lines))
    print("\n".join(different))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
