"""Credentials that a catalog vends are renewed before they end, also under a running statement."""

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from flightlake.cancellation import Cancellation
from flightlake.clock import ManualClock
from flightlake.engine.defaults import Defaults
from flightlake.errors import FlightlakeError, NotReady
from flightlake.lake.planning import Planner
from flightlake.lake.rest_catalog import open_rest_catalog
from tests.components import s3
from tests.components.vended_s3 import Vended, vended
from tests.fix_catalogs import TIMEOUT, Lake, orders, s3_lake, started
from tests.fix_engine import Lab, engine_on
from tests.fix_processes import settled

pytestmark = pytest.mark.component("s3")

FILES = 24
LIVES = 100.0
"""Seconds for which keys hold: so few that the engine asks again whenever it needs some."""
DUE, LATER = timedelta(seconds=80), timedelta(seconds=50)
"""Until keys are renewed, and from then on until they have ended."""
WIDE = pa.schema([("id", pa.int64()), ("text", pa.string())])


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with ``orders``, and ``wide`` of many files, too many to be read ahead."""
    made = s3_lake(tmp_path_factory.mktemp("lake"))
    made.create("orders").append(orders(1, 2))
    wide = made.create("wide", WIDE)
    for number in range(FILES):
        texts = [f"{number:03} {row:06} " + "x" * 200 for row in range(2_000)]
        ids = list(range(number * 2_000, (number + 1) * 2_000))
        wide.append(pa.table({"id": ids, "text": texts}, schema=WIDE))
    return made


@pytest.fixture
def clock() -> ManualClock:
    """When keys end, for who gives and who uses them."""
    return ManualClock(datetime.now(UTC))


@pytest.fixture
def shop(lake: Lake, clock: ManualClock) -> Iterator[Vended]:
    with vended(lake, started(s3), clock) as made:
        made.lives = LIVES
        yield made


@pytest.fixture
def lab(shop: Vended, tmp_path: Path) -> Iterator[Lab]:
    catalog = open_rest_catalog("own", {"uri": shop.uri}, TIMEOUT, Planner(), shop.clock)
    engine = engine_on({"own": catalog}, tmp_path / "spill")
    yield Lab(engine, Defaults("own", "shop"))
    engine.close()


def test_a_scan_outlives_its_credentials(shop: Vended, lab: Lab, clock: ManualClock) -> None:
    result = lab.engine.start(lab.plan("SELECT id, text FROM wide"), Cancellation())
    batches = iter(result)
    seen = next(batches).num_rows
    passes(clock, DUE, shop)
    used = set(shop.asked)
    while not set(shop.used) - used:
        seen += next(batches).num_rows
    passes(clock, LATER, shop)  # what was given first has ended
    asked = len(shop.used)
    for batch in batches:
        seen += batch.num_rows
    assert seen == FILES * 2_000
    assert len(shop.used) > asked, "files were read after the first credentials had ended"
    assert shop.refused == 0


def passes(clock: ManualClock, by: timedelta, shop: Vended) -> None:
    """Let time pass while no file is asked for; the engine keeps keys for a tenth of a second."""
    settled(lambda: at_rest(shop), "nothing is asked for that nobody reads")
    clock.advance(by)
    settled(lambda: at_rest(shop), "nothing is asked for that nobody reads")


def at_rest(shop: Vended) -> bool:
    before = len(shop.used)
    return not threading.Event().wait(0.5) and len(shop.used) == before


def test_statements_share_credentials_until_they_are_due(shop: Vended, lab: Lab) -> None:
    for _ in range(5):
        assert lab.rows("SELECT count(*) FROM orders WHERE id > 0") == [(2,)]
    # Each loads the table, and comes with new ones; what the engine asks for holds still.
    assert len(shop.asked) == 5
    assert shop.refused == 0


def test_a_plan_is_executed_with_the_credentials_of_its_time(
    shop: Vended, lab: Lab, clock: ManualClock
) -> None:
    plan = lab.plan("SELECT id FROM orders ORDER BY id")
    passes(clock, DUE + LATER, shop)
    assert lab.collect(plan).column("id").to_pylist() == [1, 2]
    assert shop.refused == 0


def test_while_the_catalog_is_down_the_old_ones_are_used_to_their_end(
    shop: Vended, lab: Lab, clock: ManualClock
) -> None:
    plan = lab.plan("SELECT id FROM orders ORDER BY id")
    shop.broken = True
    passes(clock, DUE, shop)
    assert lab.collect(plan).column("id").to_pylist() == [1, 2]
    passes(clock, LATER, shop)
    with pytest.raises(FlightlakeError) as error:
        lab.collect(plan)
    assert isinstance(error.value, NotReady)
    assert "token-" not in error.value.message
    shop.broken = False
    assert lab.rows("SELECT count(*) FROM orders WHERE id > 0") == [(2,)]


def test_the_environment_is_left_as_it_was(shop: Vended, lab: Lab) -> None:
    before = dict(os.environ)
    assert lab.rows("SELECT count(*) FROM orders WHERE id > 0") == [(2,)]
    assert dict(os.environ) == before


def test_keys_of_the_environment_are_not_taken_instead(
    shop: Vended, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "wrong")
    assert lab.rows("SELECT count(*) FROM orders WHERE id > 0") == [(2,)]
    assert set(shop.used) == set(shop.asked)
    assert os.environ["AWS_SESSION_TOKEN"] == "wrong"


def test_credentials_without_an_end_are_taken_for_a_while(shop: Vended, lab: Lab) -> None:
    shop.tells = False
    assert lab.rows("SELECT count(*) FROM orders WHERE id > 0") == [(2,)]
    assert len(shop.asked) == 1
