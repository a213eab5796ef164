"""Planning that is cancelled or takes too long: the caller and the slot are free at once."""

from dataclasses import replace

import pytest

from flightlake.cancellation import Cancellation
from flightlake.clock import ManualClock
from flightlake.errors import Cancelled, TimedOut
from tests.fix_catalogs import Lake
from tests.fix_engine import MOMENT, Served, Services, in_thread
from tests.fix_query import all_free, passes
from tests.fix_server import eventually
from tests.fix_slow_catalog import HeldCatalog


def test_cancel_while_planning_frees_the_caller_and_the_slot_at_once(
    held: tuple[Served, HeldCatalog],
) -> None:
    served, catalog = held
    catalog.hold()
    call = Cancellation()
    planning = in_thread(lambda: served.describe("SELECT * FROM few", call))
    assert catalog.waiting.wait(120)
    call.cancel(Cancelled("went away"))
    with pytest.raises(Cancelled, match="went away"):
        planning.result()
    all_free(served)
    assert served.rows("SELECT 1") == [(1,)]
    catalog.let_go()
    assert served.rows("SELECT count(*) FROM few") == [(6,)]


def test_cancel_while_a_ticket_is_planned_frees_the_slot_at_once(
    held: tuple[Served, HeldCatalog],
) -> None:
    served, catalog = held
    statement = served.describe("SELECT * FROM few").statement
    other = replace(statement, id="of another process")  # whose plan is not kept here
    catalog.hold()
    reading = in_thread(lambda: served.execute(other))
    assert catalog.waiting.wait(120)
    assert served.service.cancel(other, served.identity)
    with pytest.raises(Cancelled):
        reading.result()
    all_free(served)
    catalog.let_go()


def test_planning_that_takes_too_long_is_ended(lake: Lake, services: Services) -> None:
    clock, catalog = ManualClock(MOMENT), HeldCatalog(lake.open())
    served = services(lake, clock=clock, more={lake.name: catalog})
    catalog.hold()
    planning = in_thread(lambda: served.describe("SELECT * FROM few"))
    assert catalog.waiting.wait(120)
    eventually(passes(clock, lambda: planning.done), "the planning is ended")
    with pytest.raises(TimedOut):
        planning.result()
    all_free(served)
    catalog.let_go()
