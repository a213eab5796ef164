"""Rows deleted by position: position delete files and deletion vectors."""

import math
import struct
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.manifest import DataFileContent, FileFormat

from flightlake.errors import DamagedData, Unsupported
from tests.fix_catalogs import Lake
from tests.fix_engine import Lab
from tests.fix_hand_made import ids, keys, lab, parted, refused, rows, table, world
from tests.fix_row_deletes import HandMade, column, entry, identity, puffin, vector_blob

__all__ = ["lab", "parted", "table", "world"]

ODD = ["a b", "a%20b", "a'b", "ä+ö", "a#b", "x=1?y", "50%", 'q"q']


class TestPositions:
    def test_one_delete_file_is_applied_to_all_files_it_names(
        self, table: HandMade, lab: Lab
    ) -> None:
        first, second = table.data(rows(table, 1, 2, 3)), table.data(rows(table, 4, 5, 6))
        table.data(rows(table, 7))
        table.positions([(first, 0), (second, 2)])
        assert ids(lab) == [2, 3, 4, 5, 7]
        assert lab.rows("SELECT count(*) FROM hand") == [(5,)]

    def test_several_delete_files_may_name_one_row(self, table: HandMade, lab: Lab) -> None:
        path = table.data(rows(table, 1, 2, 3))
        table.positions([(path, 1), (path, 1)])
        table.positions([(path, 1), (path, 2)], referenced=path)
        table.positions([(path, 2)], bounds=True)
        assert ids(lab) == [1]

    def test_rows_beyond_the_file_do_not_matter(self, table: HandMade, lab: Lab) -> None:
        path = table.data(rows(table, 1, 2))
        table.positions([(path, 1), (path, 2), (path, 1 << 40)])
        assert ids(lab) == [1]

    def test_files_that_are_not_there_do_not_matter(self, table: HandMade, lab: Lab) -> None:
        path = table.data(rows(table, 1, 2))
        table.positions([(path, 0), (f"{path}.gone", 1)])
        table.positions([(f"{path}.gone", 1)], referenced=f"{path}.gone")
        assert ids(lab) == [2]

    def test_deletes_reach_files_of_their_own_commit_and_none_later(
        self, table: HandMade, lab: Lab
    ) -> None:
        first = table.data(rows(table, 1, 2))
        later = table.data(rows(table, 3, 4))
        table.positions([(first, 0), (later, 0)], sequence=1)
        assert ids(lab) == [2, 3, 4]

    def test_deletes_of_another_partition_are_not_applied(self, parted: HandMade, lab: Lab) -> None:
        path = parted.data(rows(parted, 1, 2, 3), ["a"])
        other = parted.data(rows(parted, 4, tag="b"), ["b"])
        parted.positions([(path, 0), (other, 0)], ["b"])
        assert ids(lab) == [1, 2, 3]

    def test_deletes_of_another_spec_are_not_applied(self, parted: HandMade, lab: Lab) -> None:
        path, other = parted.data(rows(parted, 1, 2), ["a"]), parted.data(rows(parted, 3), ["a"])
        parted.use_spec(identity(2, "tag"))
        parted.positions([(path, 0), (other, 0)], ["a"])
        assert ids(lab) == [1, 2, 3]

    @pytest.mark.parametrize("how", [{"referenced": True}, {"bounds": True}], ids=str)
    def test_what_names_one_file_applies_wherever_it_is_filed(
        self, parted: HandMade, lab: Lab, how: dict[str, bool]
    ) -> None:
        path = parted.data(rows(parted, 1, 2), ["a"])
        more: dict[str, Any] = {"referenced": path} if "referenced" in how else {"bounds": True}
        parted.positions([(path, 0)], ["b"], **more)
        assert ids(lab) == [2]

    def test_partition_values_that_are_null_or_not_numbers_are_partitions(
        self, world: tuple[Lake, Lab], tmp_path: Path
    ) -> None:
        columns = [column(1, "id", "long"), column(2, "x", "double")]
        made = HandMade(world[0], tmp_path / "x", columns, partition=identity(2, "x"))
        values = [None, math.nan, 0.0, -0.0]
        for number, value in enumerate(values):
            data = pa.table({"id": [10 * number, 10 * number + 1], "x": [value] * 2}, made.arrow())
            path, other = made.data(data, [value]), made.data(data.slice(0, 0), [value])
            made.positions([(path, 0), (other, 0)], [value])
            made.equality(keys(made, id=[1, 11, 21, 31]), [1], [values[0]])
        assert ids(world[1]) == [11, 21, 31]

    @pytest.mark.parametrize("count", [3, 70])
    def test_many_files_and_odd_names(
        self, world: tuple[Lake, Lab], table: HandMade, count: int
    ) -> None:
        paths = [
            table.data(rows(table, *range(10 * n, 10 * n + 4)), name=f"{ODD[n % 8]}/{n}.parquet")
            for n in range(count)
        ]
        table.positions(sorted((path, row) for path in paths for row in (0, 3)))
        found = ids(world[1])
        assert found == sorted(10 * n + row for n in range(count) for row in (1, 2))

    def test_old_file_columns_without_ids_are_found_by_name(
        self, table: HandMade, lab: Lab
    ) -> None:
        path = table.data(rows(table, 1, 2))
        data = pa.table({"file_path": [path], "pos": [1], "row": [{"id": 2}]})
        where, size = table.write(data)
        table.commit([entry(where, 1, size, DataFileContent.POSITION_DELETES)])
        assert ids(lab) == [1]

    def test_a_delete_file_of_no_rows_deletes_nothing(self, table: HandMade, lab: Lab) -> None:
        table.data(rows(table, 1, 2))
        data = pa.table({"file_path": pa.array([], pa.string()), "pos": pa.array([], pa.int64())})
        where, size = table.write(data)
        table.commit([entry(where, 0, size, DataFileContent.POSITION_DELETES)])
        assert ids(lab) == [1, 2]

    def test_a_delete_file_that_is_missing_is_damage(self, table: HandMade, lab: Lab) -> None:
        path = table.data(rows(table, 1, 2))
        deletes = table.positions([(path, 0)])
        Path(deletes.removeprefix("file://")).unlink()
        refused(lab, DamagedData, "a position delete file of table .* is missing")

    @pytest.mark.parametrize(
        "data",
        [
            {"file_path": ["x"], "position": [0]},
            {"file_path": ["x", "y"], "pos": [0, 1]},
            {"file_path": [None], "pos": [0]},
            {"file_path": ["x"], "pos": pa.array([None], pa.int64())},
        ],
        ids=["column", "count", "no path", "no row"],
    )
    def test_a_delete_file_with_other_content_is_damage(
        self, table: HandMade, lab: Lab, data: Any
    ) -> None:
        table.data(rows(table, 1, 2))
        where, size = table.write(pa.table(data))
        table.commit([entry(where, 1, size, DataFileContent.POSITION_DELETES)])
        refused(lab, DamagedData, "a position delete file of table")

    @pytest.mark.parametrize("format_", [FileFormat.AVRO, FileFormat.ORC])
    def test_another_format_is_refused_by_its_name(
        self, table: HandMade, lab: Lab, format_: FileFormat
    ) -> None:
        table.data(rows(table, 1))
        kind = DataFileContent.POSITION_DELETES
        table.commit([entry("file:///x", 1, 1, kind, format_=format_)])
        refused(lab, Unsupported, f"{format_.value} delete files; only Parquet is read")


class TestVectors:
    def test_several_vectors_share_a_file(self, table: HandMade, lab: Lab) -> None:
        paths = [table.data(rows(table, *range(10 * n, 10 * n + 3))) for n in range(3)]
        table.vectors({paths[0]: [0], paths[2]: [1, 2, 1 << 33]})
        assert ids(lab) == [1, 2, 10, 11, 12, 20]

    def test_a_vector_stands_for_the_older_positions(self, table: HandMade, lab: Lab) -> None:
        path, other = table.data(rows(table, 1, 2, 3)), table.data(rows(table, 4, 5))
        table.positions([(path, 0), (other, 0)])
        table.vectors({path: [1]})
        assert ids(lab) == [1, 3, 5]

    def test_a_vector_older_than_its_file_is_damage(self, table: HandMade, lab: Lab) -> None:
        table.data(rows(table, 1))
        path = table.data(rows(table, 2))
        table.vectors({path: [0]}, sequence=1)
        refused(lab, DamagedData, "older than its data file")

    def test_two_vectors_for_one_file_are_damage(self, table: HandMade, lab: Lab) -> None:
        path = table.data(rows(table, 1, 2))
        table.vectors({path: [0]})
        table.vectors({path: [1]})
        refused(lab, DamagedData, "contradict each other")

    @pytest.mark.parametrize(
        "damage", ["check", "magic", "length", "cut", "cardinality", "bitmap", "gone"]
    )
    def test_a_damaged_vector_is_found(self, table: HandMade, lab: Lab, damage: str) -> None:
        path = table.data(rows(table, 1, 2, 3))
        blob, count = vector_blob([0, 2]), 2
        if damage == "check":
            blob = blob[:-1] + bytes([blob[-1] ^ 1])
        elif damage == "magic":
            payload = b"\0\0\0\0" + blob[8:-4]
            blob = blob[:4] + payload + struct.pack(">I", zlib.crc32(payload))
        elif damage == "length":
            blob = struct.pack(">I", len(blob)) + blob[4:]
        elif damage == "cardinality":
            count = 3
        elif damage == "bitmap":
            payload = blob[4:8] + b"\x05" + bytes(20)
            blob = (
                struct.pack(">I", len(payload)) + payload + struct.pack(">I", zlib.crc32(payload))
            )
        content, (offset,) = puffin([blob])
        where = table.folder / "v.puffin"
        if damage != "gone":
            where.write_bytes(content if damage != "cut" else content[: offset + len(blob) - 3])
        table.commit(
            [
                entry(
                    f"file://{where}",
                    count,
                    len(content),
                    DataFileContent.POSITION_DELETES,
                    format_=FileFormat.PUFFIN,
                    referenced_data_file=path,
                    content_offset=offset,
                    content_size_in_bytes=len(blob),
                )
            ]
        )
        refused(lab, DamagedData, "a deletion vector of table")

    def test_a_vector_that_says_not_where_it_is_is_damage(self, table: HandMade, lab: Lab) -> None:
        path = table.data(rows(table, 1))
        kind, format_ = DataFileContent.POSITION_DELETES, FileFormat.PUFFIN
        table.commit([entry("file:///v", 1, 1, kind, format_=format_, referenced_data_file=path)])
        refused(lab, DamagedData, "does not say where it is")
