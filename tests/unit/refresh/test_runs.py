"""Refreshes of one view run one after the other, and each ends once for all who look."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from flightlake.cancellation import Cancellation
from flightlake.clock import SystemClock
from flightlake.errors import Cancelled, NotFound, NotReady
from flightlake.names import TableIdentifier
from flightlake.refresh.outcomes import Outcome
from flightlake.refresh.runs import STATEMENT, Ended, Runs, Wanted
from flightlake.telemetry import InternalFailure, RefreshFinished
from tests.fix_server import Recorder, eventually

VIEW = TableIdentifier("lake", "shop", "v")
OTHER = TableIdentifier("lake", "shop", "w")
WANTED = Wanted(VIEW, STATEMENT, "ada")


@pytest.fixture
def observed() -> Recorder:
    return Recorder()


@pytest.fixture
def runs(observed: Recorder) -> Runs:
    return Runs(SystemClock(), observed)


def fine(refresh_id: str, call: Cancellation) -> Outcome:
    return Outcome(VIEW, "READY", "FULL", "asked for", 3, 4, rows_written=3, bytes_written=99)


def test_a_refresh_is_told_of_once_under_the_id_it_was_done_by(
    runs: Runs, observed: Recorder
) -> None:
    ids = []

    def work(refresh_id: str, call: Cancellation) -> Outcome:
        ids.append(refresh_id)
        return fine(refresh_id, call)

    outcome = runs.run(WANTED, work, Cancellation())
    (fact,) = observed.of(RefreshFinished)
    assert ids == [outcome.refresh_id] == [fact.refresh_id]
    assert (fact.status, fact.strategy, fact.rows, fact.bytes_written) == ("OK", "FULL", 3, 99)
    assert (fact.trigger, fact.subject, fact.view) == ("statement", "ada", VIEW)
    assert runs.under_way() == ()


def test_a_failure_is_told_of_once(runs: Runs, observed: Recorder) -> None:
    ends: list[Ended] = []
    runs.listen(ends.append)

    def work(refresh_id: str, call: Cancellation) -> Outcome:
        raise NotReady("the catalog does not answer")

    with pytest.raises(NotReady):
        runs.run(WANTED, work, Cancellation())
    (fact,) = observed.of(RefreshFinished)
    assert (fact.status, fact.error) == ("UNAVAILABLE", "the catalog does not answer")
    assert [type(end.failure) for end in ends] == [NotReady]
    assert not runs.busy(VIEW)


def test_a_defect_is_told_without_its_detail(runs: Runs, observed: Recorder) -> None:
    def work(refresh_id: str, call: Cancellation) -> Outcome:
        raise ZeroDivisionError("the secret")

    with pytest.raises(ZeroDivisionError):
        runs.run(WANTED, work, Cancellation())
    (fact,) = observed.of(RefreshFinished)
    assert fact.status == "INTERNAL"
    assert "secret" not in fact.error
    assert "the secret" in observed.of(InternalFailure)[0].detail


def test_refreshes_of_one_view_wait_for_each_other_and_of_others_do_not(runs: Runs) -> None:
    inside, most, release = [0], [0], threading.Event()

    def work(refresh_id: str, call: Cancellation) -> Outcome:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        release.wait(120)
        inside[0] -= 1
        return fine(refresh_id, call)

    with ThreadPoolExecutor(5) as pool:
        same = [pool.submit(runs.run, WANTED, work, Cancellation()) for _ in range(4)]
        eventually(lambda: inside[0] == 1 and len(runs.under_way()) == 4, "four refreshes")
        other = pool.submit(runs.run, Wanted(OTHER, STATEMENT), fine, Cancellation())
        assert other.result(120).rows == 3
        assert {run.state for run in runs.under_way()} == {"RUNNING", "QUEUED"}
        release.set()
        assert all(one.result(120) for one in same)
    assert most == [1]


def test_whoever_waits_can_be_cancelled_and_the_next_goes_on(runs: Runs) -> None:
    begun, release = threading.Event(), threading.Event()

    def work(refresh_id: str, call: Cancellation) -> Outcome:
        begun.set()
        release.wait(120)
        return fine(refresh_id, call)

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(runs.run, WANTED, work, Cancellation())
        assert begun.wait(120)
        second = pool.submit(runs.run, WANTED, fine, Cancellation())
        eventually(lambda: len(runs.under_way()) == 2, "one that waits")
        waiting = next(run for run in runs.under_way() if run.state == "QUEUED")
        third = pool.submit(runs.run, WANTED, fine, Cancellation())
        assert runs.cancel(waiting.id, "grace").id == waiting.id
        with pytest.raises(Cancelled, match="by grace"):
            second.result(120)
        release.set()
        assert first.result(120).rows == third.result(120).rows == 3


def test_what_has_ended_cannot_be_cancelled(runs: Runs) -> None:
    outcome = runs.run(WANTED, fine, Cancellation())
    with pytest.raises(NotFound, match="no refresh"):
        runs.cancel(outcome.refresh_id or "", "ada")


def test_those_who_watch_hear_of_other_changes(runs: Runs) -> None:
    heard: list[TableIdentifier] = []
    runs.watch(heard.append)
    runs.changed(VIEW)
    assert heard == [VIEW]


def test_durations_are_those_of_the_work(runs: Runs, observed: Recorder) -> None:
    begun = time.monotonic()
    runs.run(WANTED, fine, Cancellation())
    took = timedelta(seconds=time.monotonic() - begun)
    assert timedelta() <= observed.of(RefreshFinished)[0].duration <= took
