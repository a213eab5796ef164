"""Steps that commit single delete files, by Iceberg's Java writers."""

from collections.abc import Callable, Sequence
from typing import Any

from tests.corpus.writers.recipe import Step
from tests.corpus.writers.workshop import Workshop

Text = str | None
Row = Sequence[Text]


def delete(
    columns: str,
    *keys: Row,
    partition: Row = (),
    spec: int = 0,
    insert: Sequence[Row] = (),
    inserted_into: int | None = None,
) -> Step:
    """Return the step that commits one equality delete file, with new rows if there are any.

    New rows have the sequence number of the delete, so it does not touch them.
    """

    def step(workshop: Workshop, name: str) -> None:
        files = workshop.files(name)
        lists = [list(key) for key in keys]
        deleted = files.equality(columns.split(), lists, list(partition), spec)
        commit = workshop.table(name).newRowDelta().addDeletes(deleted)
        if insert:
            where = spec if inserted_into is None else inserted_into
            for file in files.data([list(row) for row in insert], "parquet", where):
                commit.addRows(file)
        commit.commit()

    return step


def positions(*at: int, vectors: bool = False) -> Step:
    """Return the step that deletes the rows at these positions of every live data file."""

    def step(workshop: Workshop, name: str) -> None:
        files = workshop.files(name)
        commit = workshop.table(name).newRowDelta()
        live = files.live()
        parts: dict[str, list[Any]] = {}
        for file in live:
            parts.setdefault(f"{file.specId()} {file.partition()}", []).append(file)
        for part in parts.values():
            if vectors:
                for deleted in files.vectors(part, list(at)):
                    commit.addDeletes(deleted)
            else:
                commit.addDeletes(files.positions(part, list(at)))
        commit.commit()

    return step


def together(*steps: Callable[[Any, Any], None]) -> Step:
    """Return the step that adds several things in one commit."""

    def step(workshop: Workshop, name: str) -> None:
        files, commit = workshop.files(name), workshop.table(name).newRowDelta()
        for each in steps:
            each(files, commit)
        commit.commit()

    return step


def keyed(columns: str, *keys: Row, partition: Row = (), spec: int = 0) -> Callable[..., None]:
    """Return an equality delete for ``together``."""

    def add(files: Any, commit: Any) -> None:
        lists = [list(key) for key in keys]
        commit.addDeletes(files.equality(columns.split(), lists, list(partition), spec))

    return add


def some(*numbers: int) -> list[Row]:
    """Return keys of one column."""
    return [(str(number),) for number in numbers]
