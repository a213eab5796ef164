"""Processes that are stopped in the midst of a refresh, and wake up when others have gone on."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fix_materialized import Mills
from tests.fix_siege import STATEMENTS, Siege, besieged
from tests.fix_view_process import begin, order, paused, said


@pytest.fixture
def siege(mills: Mills, tmp_path: Path) -> Iterator[Siege]:
    with besieged(mills) as made:
        yield made


@pytest.mark.parametrize("meanwhile", ["restore", "drop"])
def test_processes_that_wake_up_late_change_nothing(
    siege: Siege, tmp_path: Path, meanwhile: str
) -> None:
    siege.ready("full")
    siege.steps("full")
    # Sources are read by then; of the one nothing is written yet, of the other all but the commit.
    points = [siege.weather.seen.index("open"), siege.weather.seen.index("swap")]
    siege.news()
    lake = siege.victim.lake
    late = [
        begin(order(lake, tmp_path / str(at), STATEMENTS["full"], at=at, fault="pauses before"))
        for at in points
    ]
    try:
        assert [paused(process) for process in late] == [True, True]
        siege.news()
        siege.other.run(STATEMENTS[meanwhile])
        if meanwhile == "drop":
            siege.other.run(STATEMENTS["create"])
        siege.check("meanwhile", fresh=True)
        before = siege.pointer()
    finally:
        for process in late:
            os.kill(process.pid, signal.SIGCONT)
    for process in late:
        code, told, errors = said(process)
        assert code == 0, errors
        # Of a view that was dropped, whoever asks the catalog first learns that it is gone.
        refusals = {"Refused", "Gone"} if meanwhile == "drop" else {"Refused"}
        assert {line.partition(":")[0] for line in told} <= refusals
        assert len(told) == 1
    assert siege.pointer() == before
    siege.recover("refresh")
    siege.audit()
