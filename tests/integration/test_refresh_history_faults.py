"""The history when processes die, stores fail and others write: each row once, no table broken."""

import os
import random
from pathlib import Path

from tests.fix_catalogs import sqlite_lake
from tests.fix_faults import FAULTS, Death, Stormy, Weather, stormy_files
from tests.fix_history import Teller, stored_ids

TRIALS = 36 * int(os.environ.get("FLIGHTLAKE_VIEW_STORIES", "1"))
_STEPS = 60


def test_whatever_happens_at_whichever_step(tmp_path: Path) -> None:
    chance = random.Random(11)  # noqa: S311 - to be told again
    lake = sqlite_lake(tmp_path)
    Teller(lake, "first").tell_and_store("first")
    struck: set[str] = set()
    sure, doubtful, weather = {"first"}, set[str](), Weather()
    faults = [fault for fault in FAULTS if fault != "is cancelled"]
    with stormy_files(weather):
        for trial in range(TRIALS):
            fault = faults[trial % len(faults)]
            rival = Teller(lake, f"rival {trial}")
            weather.rival = lambda rival=rival, trial=trial: rival.tell_and_store(f"r{trial}")
            teller = Teller(lake, f"victim {trial}", Stormy(lake.open(), weather))
            weather.begin(chance.randrange(_STEPS), fault)
            died = False
            try:
                teller.tell_and_store(f"v{trial}")
            except Death:
                died = True
            weather.end()
            if weather.struck:
                struck.add(fault)
            if died:
                doubtful.add(f"v{trial}")
            else:
                # Nothing is lost: what was not stored is stored as soon as that is possible.
                teller.tell_and_store(f"w{trial}")
                assert teller.waiting == set()
                sure |= {f"v{trial}", f"w{trial}"}
            if weather.struck and fault == "has a rival":
                sure.add(f"r{trial}")
            found = stored_ids(lake)
            assert len(found) == len(set(found)), (trial, fault, weather.seen)
            assert sure <= set(found) <= sure | doubtful, (trial, fault, weather.seen)
    assert struck == set(faults)
