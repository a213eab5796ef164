"""Tables for reading, JSON for keeping."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Table:
    """A title, the names of the columns, and rows of text."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Return the table in Markdown, which can also be read as it stands."""
        lines = [tuple(self.columns), *map(tuple, self.rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.columns))]

        def line(cells: Sequence[str]) -> str:
            first = cells[0].ljust(widths[0])
            rest = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
            return f"| {' | '.join((first, *rest))} |"

        rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
        return "\n".join(
            (f"**{self.title}**", "", line(lines[0]), line(rule), *map(line, lines[1:]))
        )


def save(name: str, result: object) -> Path:
    """Write *result* as JSON under ``bench/results``; return the file."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name}.json"
    file.write_text(json.dumps(result, indent=1) + "\n")
    return file
