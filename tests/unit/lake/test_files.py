"""Planned files are columns, and a sequence for those who want one."""

import pyarrow as pa

from flightlake.lake.files import NO_FILES, DataFile, DataFiles
from flightlake.lake.parts import FilePlan

FILES = DataFiles(
    pa.chunked_array([["a", "b"], ["c"]]),
    pa.chunked_array([[1, 2], [3]]),
    pa.chunked_array([[10, 20], [30]]),
)


def test_files_are_a_sequence() -> None:
    assert len(FILES) == 3
    assert list(FILES) == [DataFile("a", 1, 10), DataFile("b", 2, 20), DataFile("c", 3, 30)]
    assert FILES[2] == DataFile("c", 3, 30)
    assert FILES[1:] == [DataFile("b", 2, 20), DataFile("c", 3, 30)]


def test_the_rows_of_a_plan_are_those_of_its_files() -> None:
    assert FilePlan(FILES, 5).record_count == 60
    assert FilePlan(NO_FILES, 5).record_count == 0
    assert list(NO_FILES) == []
