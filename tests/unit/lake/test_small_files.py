"""Which files are put together: the smallest, and each row only as often as its file doubles."""

import pytest

from flightlake.lake.small_files import together


@pytest.mark.parametrize(
    ("sizes", "least", "count"),
    [
        ([], 2, 0),
        ([5], 1, 0),
        ([5, 5], 1, 2),
        ([5, 5], 2, 2),
        ([5, 6], 2, 0),
        ([5, 5, 5], 4, 0),
        ([1, 2, 3, 6], 4, 4),
        ([1, 2, 3, 7], 4, 0),
        ([1, 1, 1, 1, 100], 4, 4),
        # One that is large among many of its kind goes with them.
        ([1, 1, 100, 100, 100], 4, 5),
        ([1, 1, 1, 1], 0, 0),
    ],
)
def test_the_smallest_are_put_together(sizes: list[int], least: int, count: int) -> None:
    assert together(sizes, least) == count


@pytest.mark.parametrize("least", [2, 4, 16])
def test_each_byte_is_written_a_few_times_though_files_come_one_by_one(least: int) -> None:
    sizes: list[int] = []
    written, files = 0, 5_000
    for _ in range(files):
        sizes = sorted([*sizes, 10])
        count = together(sizes, least)
        if count:
            written += sum(sizes[:count])
            sizes = sorted([*sizes[count:], sum(sizes[:count])])
    assert sum(sizes) == 10 * files
    assert written < 13 * 10 * files  # its logarithm
    assert len(sizes) < 13 + 2 * least
