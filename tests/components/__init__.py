"""Real components (databases, catalogs, stores, tools) that tests install and start themselves.

Where one cannot be had, the test is skipped and the skip names the component; with
``FLIGHTLAKE_REQUIRE_COMPONENTS=1`` (``.ci/run`` sets it) the skip is a failure.
"""

import os
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]

CACHE = ROOT / ".cache"
"""Where downloads are kept between runs."""


class Unavailable(Exception):
    """A component cannot be had here; the message says why."""


def require(name: str, reason: str) -> NoReturn:
    """End the running test for want of the component *name*: a skip, or a failure in CI."""
    sentence = f"component {name} is not to be had here: {reason}"
    if os.environ.get("FLIGHTLAKE_REQUIRE_COMPONENTS") == "1":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)
