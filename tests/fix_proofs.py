"""What tests have tried: one line for each proof, told at the end of a run of pytest."""

from collections import Counter
from collections.abc import Iterator, Mapping

_LINES: list[str] = []
_SUMS: dict[str, Counter[str]] = {}


def proven(line: str) -> None:
    """Have *line* told at the end of the run."""
    _LINES.append(line)


def counted(what: str, counts: Mapping[str, int]) -> None:
    """Have *counts* of *what* told in one line with those of other tests."""
    _SUMS.setdefault(what, Counter()).update(counts)


def proofs() -> Iterator[str]:
    """Yield the lines."""
    yield from _LINES
    for what, counts in _SUMS.items():
        yield f"{counts.total()} {what}: {listed(counts)}"


def listed(counts: Counter[str]) -> str:
    """Return *counts* as a text, the highest first."""
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())
