"""Rows deleted by value: equality delete files."""

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flightlake.errors import DamagedData, Unsupported
from tests.fix_catalogs import Lake
from tests.fix_engine import Lab
from tests.fix_hand_made import ids, keys, lab, parted, refused, rows, table, world
from tests.fix_row_deletes import HandMade, column, identity

__all__ = ["lab", "parted", "table", "world"]


class TestValues:
    def test_only_older_rows_are_deleted(self, table: HandMade, lab: Lab) -> None:
        table.data(rows(table, 1, 2))
        table.equality(keys(table, id=[1, 3]), [1])
        table.data(rows(table, 1, 3))
        assert ids(lab) == [1, 2, 3]

    def test_rows_of_the_same_commit_are_kept(self, table: HandMade, lab: Lab) -> None:
        table.data(rows(table, 1))
        table.equality(keys(table, id=[1]), [1], sequence=1)
        assert ids(lab) == [1]

    def test_null_deletes_null(self, table: HandMade, lab: Lab) -> None:
        table.data(rows(table, 1, tag=None))
        table.data(rows(table, 2, tag=""))
        table.equality(keys(table, tag=[None]), [2])
        assert ids(lab) == [2]

    def test_several_sets_of_columns(self, table: HandMade, lab: Lab) -> None:
        table.data(rows(table, 1, 2, 3))
        table.data(rows(table, 1, 2, 3, tag="b"))
        table.equality(keys(table, id=[1]), [1])
        table.equality(keys(table, id=[2, 3], tag=["b", "c"]), [1, 2])
        assert ids(lab) == [2, 3, 3]

    def test_deletes_of_a_partition_stay_there(self, parted: HandMade, lab: Lab) -> None:
        parted.data(rows(parted, 1, 2), ["a"])
        parted.data(rows(parted, 1, 2, tag="b"), ["b"])
        parted.equality(keys(parted, id=[1]), [1], ["b"])
        parted.equality(keys(parted, id=[2]), [1], ["a"])
        found = lab.rows("SELECT id, tag FROM hand ORDER BY tag")
        assert found == [(1, "a"), (2, "b")]

    def test_unpartitioned_deletes_reach_all_partitions(self, parted: HandMade, lab: Lab) -> None:
        parted.data(rows(parted, 1, 2), ["a"])
        parted.data(rows(parted, 1, 3, tag="b"), ["b"])
        parted.use_spec([])
        parted.equality(keys(parted, id=[1]), [1])
        assert ids(lab) == [2, 3]

    def test_a_spec_of_void_fields_is_unpartitioned(self, parted: HandMade, lab: Lab) -> None:
        parted.data(rows(parted, 1, 2), ["a"])
        parted.use_spec([{**identity(2, "tag")[0], "transform": "void"}])
        parted.equality(keys(parted, id=[1]), [1], [None])
        assert ids(lab) == [2]

    def test_a_column_renamed_widened_and_dropped_since_still_deletes(
        self, world: tuple[Lake, Lab], tmp_path: Path
    ) -> None:
        columns = [column(1, "id", "long"), column(2, "k", "int")]
        made = HandMade(world[0], tmp_path / "x", columns)
        made.data(pa.table({"id": [1, 2], "k": [7, 8]}, made.arrow()))
        made.equality(keys(made, k=[7]), [2])
        made.evolve([column(1, "id", "long"), column(2, "kk", "long")])
        made.data(pa.table({"id": [3, 4], "kk": [9, 1 << 40]}, made.arrow()))
        assert ids(world[1]) == [2, 3, 4]
        made.equality(keys(made, kk=[8, 1 << 40]), [2])
        assert ids(world[1]) == [3]
        made.evolve([column(1, "id", "long"), column(3, "k", "string")])
        made.publish()
        assert world[1].rows("SELECT * FROM hand") == [(3, None)]

    def test_a_file_from_before_the_column_has_its_default(
        self, world: tuple[Lake, Lab], tmp_path: Path
    ) -> None:
        made = HandMade(world[0], tmp_path / "x", [column(1, "id", "long")])
        made.data(pa.table({"id": [1]}, made.arrow()))
        more = [column(2, "k", "int", **{"initial-default": 5}), column(3, "n", "int")]
        made.evolve([column(1, "id", "long"), *more])
        made.data(pa.table({"id": [2, 3], "k": [None, 5], "n": [1, 1]}, made.arrow()))
        made.equality(keys(made, k=[5]), [2])
        assert ids(world[1]) == [2]
        made.data(pa.table({"id": [4], "k": [6], "n": [None]}, made.arrow()))
        made.equality(keys(made, n=[1]), [3])
        assert ids(world[1]) == [4]
        made.equality(keys(made, n=[None]), [3])
        assert ids(world[1]) == []

    @pytest.mark.parametrize(
        ("kind", "values"),
        {
            "boolean": [True, False],
            "int": [1, -1],
            "long": [1 << 40, 0],
            "float": [math.nan, -0.0],
            "double": [-0.0, math.nan],
            "decimal(9,2)": [Decimal("1.10"), Decimal("-1.10")],
            "decimal(38,10)": [Decimal("1e27"), Decimal("0")],
            "date": [-1, 20000],
            "time": [1, 86_399_999_999],
            "timestamp": [-1, 1_700_000_000_000_001],
            "timestamptz": [-1, 1_700_000_000_000_001],
            "timestamp_ns": [-1, 1_700_000_000_000_000_001],
            "timestamptz_ns": [-1, 1_700_000_000_000_000_001],
            "string": ["", "ä"],
            "uuid": [b"0123456789abcdef", b"0" * 16],
            "fixed[3]": [b"abc", b"\0\0\0"],
            "binary": [b"", b"\0\xff"],
        }.items(),
    )
    def test_values_of_every_type_delete(
        self, world: tuple[Lake, Lab], tmp_path: Path, kind: str, values: list[Any]
    ) -> None:
        made = HandMade(world[0], tmp_path / "x", [column(1, "id", "long"), column(2, "k", kind)])
        plain = made.arrow().field("k").type
        physical = {"date": pa.int32()}.get(kind, pa.int64())
        temporal = kind.startswith(("date", "time"))
        held = pa.array([*values, None, values[0]], physical if temporal else plain)
        data = pa.table(
            [pa.array([1, 2, 3, 4]), held.view(plain) if temporal else held], made.arrow()
        )
        made.data(data)
        made.equality(data.slice(0, 1).select(["k"]).cast(made.arrow("k")), [2])
        assert ids(world[1]) == [2, 3]
        made.equality(data.slice(2, 1).select(["k"]).cast(made.arrow("k")), [2])
        assert ids(world[1]) == [2]

    def test_zero_is_not_minus_zero(self, world: tuple[Lake, Lab], tmp_path: Path) -> None:
        columns = [column(1, "id", "long"), column(2, "k", "double")]
        made = HandMade(world[0], tmp_path / "x", columns)
        made.data(pa.table({"id": [1, 2], "k": [0.0, -0.0]}, made.arrow()))
        made.equality(keys(made, k=[-0.0]), [2])
        assert ids(world[1]) == [1]

    def test_a_delete_file_without_one_of_its_columns_is_damage(
        self, table: HandMade, lab: Lab
    ) -> None:
        table.data(rows(table, 1, tag=None))
        table.equality(keys(table, id=[1]), [2])
        refused(lab, DamagedData, "lacks one of its columns")

    def test_a_delete_file_without_ids_is_refused(self, table: HandMade, lab: Lab) -> None:
        table.data(rows(table, 1))
        table.equality(pa.table({"id": [1]}), [1])
        refused(lab, Unsupported, "without field ids")

    def test_a_column_that_never_was_is_refused(self, table: HandMade, lab: Lab) -> None:
        table.data(rows(table, 1))
        table.equality(keys(table, id=[1]), [77])
        refused(lab, Unsupported, "column id 77")

    @pytest.mark.parametrize("planned", [False, True])
    def test_a_delete_file_that_is_missing_is_damage(
        self, table: HandMade, lab: Lab, planned: bool
    ) -> None:
        table.data(rows(table, 1, 2))
        path = table.equality(keys(table, id=[1]), [1])
        other = table.equality(keys(table, id=[2]), [1])
        if planned:
            assert ids(lab) == []
        for gone in (path, other):
            Path(gone.removeprefix("file://")).unlink()
            for sql in ("SELECT * FROM hand", "SELECT count(*) FROM hand"):
                refused(lab, DamagedData, "is missing", sql)
