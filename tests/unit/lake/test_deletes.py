"""Deletes of all kinds on one table, through whole statements."""

from pathlib import Path

from flightlake.errors import DamagedData
from tests.fix_engine import Lab
from tests.fix_hand_made import ids, keys, lab, refused, rows, table, world
from tests.fix_row_deletes import HandMade, entry

__all__ = ["lab", "table", "world"]


class TestTogether:
    def test_all_kinds_on_one_table(self, table: HandMade, lab: Lab) -> None:
        first = table.data(rows(table, 1, 2, 3, 4))
        table.positions([(first, 0)])
        second = table.data(rows(table, 5, 6, 7, 8))
        table.vectors({second: [0]})
        table.equality(keys(table, id=[2, 6]), [1])
        table.data(rows(table, 2))
        assert ids(lab) == [2, 3, 4, 7, 8]
        assert lab.rows("SELECT count(*) FROM hand WHERE id > 3") == [(3,)]
        assert lab.rows("SELECT max(id), min(id) FROM hand") == [(8, 2)]
        assert len(lab.rows("SELECT * FROM hand LIMIT 2")) == 2
        assert lab.rows("SELECT count(*) FROM hand a JOIN hand b USING (id)") == [(5,)]
        assert lab.rows("SELECT id FROM hand WHERE id IN (2, 1)") == [(2,)]
        assert lab.rows(
            "SELECT id FROM hand h WHERE EXISTS (SELECT 1 FROM hand WHERE id = h.id + 4)"
        ) == [(3,), (4,)]

    def test_each_snapshot_has_its_own_deletes(self, table: HandMade, lab: Lab) -> None:
        path = table.data(rows(table, 1, 2, 3))
        table.positions([(path, 0)])
        table.equality(keys(table, id=[2]), [1])
        counts = [
            lab.rows(f"SELECT count(*) FROM hand VERSION AS OF {snapshot * 1000}")[0][0]
            for snapshot in (1, 2, 3)
        ]
        assert counts == [3, 2, 1]

    def test_a_file_added_again_after_a_delete_is_whole(self, table: HandMade, lab: Lab) -> None:
        path = table.data(rows(table, 1, 2))
        table.equality(keys(table, id=[1]), [1])
        size = Path(path.removeprefix("file://")).stat().st_size
        table.commit([entry(path, 2, size)], drop=path)
        assert ids(lab) == [1, 2]

    def test_the_described_schema_is_that_of_the_rows(self, table: HandMade, lab: Lab) -> None:
        path = table.data(rows(table, 1, 2))
        before = lab.plan("SELECT * FROM hand").schema
        table.positions([(path, 0)])
        plan = lab.plan("SELECT * FROM hand")
        assert plan.schema == before
        assert lab.collect(plan).num_rows == 1

    def test_many_commits_of_deletes_and_rows(self, table: HandMade, lab: Lab) -> None:
        for number in range(20):
            table.data(rows(table, number, 1000 + number))
            table.equality(keys(table, id=[number, 1000 + number - 1]), [1])
        assert ids(lab) == [1019]

    def test_a_delete_file_is_read_once(self, table: HandMade, lab: Lab) -> None:
        path = table.data(rows(table, 1, 2))
        deletes = table.positions([(path, 0)])
        assert ids(lab) == [2]
        Path(deletes.removeprefix("file://")).unlink()
        assert ids(lab) == [2]

    def test_large_files_are_joined_by_row_alone(self, table: HandMade, lab: Lab) -> None:
        paths = [table.data(rows(table, *range(40_000))) for _ in range(9)]
        table.positions(sorted((path, row) for path in paths for row in range(0, 40_000, 2)))
        assert lab.rows("SELECT count(*), sum(id % 2) FROM hand") == [(180_000, 180_000)]

    def test_a_file_that_is_there_twice_has_no_deletes(self, table: HandMade, lab: Lab) -> None:
        path = table.data(rows(table, 1, 2))
        size = Path(path.removeprefix("file://")).stat().st_size
        table.commit([entry(path, 2, size)])
        assert ids(lab) == [1, 1, 2, 2]
        table.positions([(path, 0)])
        refused(lab, DamagedData, "has a data file twice")
