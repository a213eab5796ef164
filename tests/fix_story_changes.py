"""What happens to the tables of a story."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation
from pyiceberg.types import StringType

from tests.fix_position_deletes import delete_row
from tests.fix_table_changes import change_files, compact

if TYPE_CHECKING:
    from tests.fix_incremental_story import Story


def _append(story: "Story", name: str, table: Table) -> bool:
    table.append(story.rows())
    return True


def _delete(story: "Story", name: str, table: Table) -> bool:
    before = table.metadata.current_snapshot_id
    table.delete(f"v = {story.chance.randint(0, 2)}")
    return bool(story.mill.table(name).metadata.current_snapshot_id != before)


def _overwrite(story: "Story", name: str, table: Table) -> bool:
    table.overwrite(story.rows(6))
    return True


def _nothing(story: "Story", name: str, table: Table) -> bool:
    """The rows are taken away and put back."""
    table.overwrite(table.scan().to_arrow())
    return True


def _compact(story: "Story", name: str, table: Table) -> bool:
    if table.snapshots():
        compact(table)
    return bool(table.snapshots())


def _mark(story: "Story", name: str, table: Table) -> bool:
    """A row is deleted by a delete file."""
    if not len(table.scan().to_arrow()) or not table.spec().is_unpartitioned():
        return False
    compact(table)
    delete_row(table, 0)
    return True


def _lie(story: "Story", name: str, table: Table) -> bool:
    """A writer calls what it does wrongly."""
    files = [task.file for task in table.scan().plan_files()]
    gone = files[: story.chance.randint(0, 1)]
    says = story.chance.choice([Operation.APPEND, Operation.OVERWRITE, Operation.DELETE])
    change_files(table, says, story.rows(), gone)
    return True


def _rollback(story: "Story", name: str, table: Table) -> bool:
    before = table.metadata.current_snapshot_id
    if not table.snapshots():
        return False
    wanted = story.chance.choice(table.snapshots()).snapshot_id
    table.manage_snapshots().set_current_snapshot(wanted).commit()
    return wanted != before


def _expire(story: "Story", name: str, table: Table) -> bool:
    snapshots = table.snapshots()
    if len(snapshots) < 2:
        return False
    limit = datetime.fromtimestamp(snapshots[-1].timestamp_ms / 1000, UTC)
    table.maintenance.expire_snapshots().older_than(limit + timedelta(seconds=1)).commit()
    return True


def _rename(story: "Story", name: str, table: Table) -> bool:
    """A column is called otherwise for a while; a view is refreshed meanwhile, or not."""
    with table.update_schema() as schema:
        schema.rename_column("v", "w")
    if story.chance.random() < 0.7:
        readers = [view for view, query in story.views.items() if _reads_only(query, name)]
        if readers:
            story.refuses(story.chance.choice(readers))
    with story.mill.table(name).update_schema() as schema:
        schema.rename_column("w", "v")
    return True


def _reads_only(query: str, name: str) -> bool:
    """Whether no subquery of *query* could find the name of a column elsewhere."""
    return query.count("FROM") == 1 and any(f"{word} {name} " in query for word in ("FROM", "JOIN"))


def _widen(story: "Story", name: str, table: Table) -> bool:
    """A column comes that no view reads."""
    with table.update_schema() as schema:
        schema.add_column(f"n{len(table.schema().fields)}", StringType())
    return True


def _drop(story: "Story", name: str) -> None:
    story.mill.lake.writer.drop_table((story.mill.lake.root, name))


def _anew(story: "Story", name: str, table: Table) -> bool:
    _drop(story, name)
    story.create(name)
    return True


def _move(story: "Story", name: str, table: Table) -> bool:
    """Two tables change their names: each view finds rows in its source that are all others."""
    writer, root = story.mill.lake.writer, story.mill.lake.root
    other = story.chance.choice([one for one in story.tables if one != name])
    for before, after in ((name, "aside"), (other, name), ("aside", other)):
        writer.rename_table((root, before), (root, after))
    story.look(other)
    story.moves(other, "move")
    return True


CHANGES: Mapping[str, Callable[["Story", str, Table], bool]] = {
    "append": _append,
    "delete": _delete,
    "overwrite": _overwrite,
    "nothing": _nothing,
    "compact": _compact,
    "mark": _mark,
    "lie": _lie,
    "rollback": _rollback,
    "expire": _expire,
    "rename": _rename,
    "widen": _widen,
    "anew": _anew,
    "move": _move,
}
"""All kinds of changes; each tells whether it changed anything."""

HAPPENS = (
    *["append"] * 12, *["compact"] * 3, *["delete"] * 3, *["overwrite"] * 2, *["lie"] * 2,
    *["rollback"] * 3, *["expire"] * 2, *["rename"] * 2, *["mark"] * 3,
    "nothing", "anew", "widen", "move",
)  # fmt: skip
"""How often what happens."""


def change(story: "Story", what: str, name: str) -> bool:
    """Let *what* happen to a table of *story*; return whether it did."""
    return CHANGES[what](story, name, story.mill.table(name))
