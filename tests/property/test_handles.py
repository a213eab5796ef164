"""No change to a sealed handle goes unnoticed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlake.clock import ManualClock
from flightlake.errors import NotFound
from flightlake.flightsql.handles import Sealer
from tests.fix_keys import Ring

START = datetime(2026, 1, 1, tzinfo=UTC)
SEALER = Sealer(Ring(), ManualClock(START))


def _seal(payload: bytes) -> bytes:
    return SEALER.seal("ticket", payload, START + timedelta(hours=1))


@given(payload=st.binary(max_size=300))
def test_any_payload_comes_back(payload: bytes) -> None:
    assert SEALER.open("ticket", _seal(payload)) == payload


@given(payload=st.binary(max_size=60), data=st.data())
def test_any_flipped_bit_is_refused(payload: bytes, data: st.DataObject) -> None:
    sealed = bytearray(_seal(payload))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(NotFound, match="not one this server issued"):
        SEALER.open("ticket", bytes(sealed))


def test_every_single_bit_of_one_handle_counts() -> None:
    sealed = _seal(b"payload")
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(NotFound):
            SEALER.open("ticket", bytes(changed))


@given(payload=st.binary(max_size=60), data=st.data())
def test_any_part_or_extension_is_refused(payload: bytes, data: st.DataObject) -> None:
    sealed = _seal(payload)
    cut = data.draw(st.integers(0, len(sealed) - 1))
    extra = data.draw(st.binary(min_size=1, max_size=40))
    for changed in (sealed[:cut], sealed[cut + 1 :], sealed + extra, extra + sealed):
        with pytest.raises(NotFound):
            SEALER.open("ticket", changed)


@given(sealed=st.binary(max_size=200))
def test_arbitrary_bytes_are_refused(sealed: bytes) -> None:
    with pytest.raises(NotFound):
        SEALER.open("ticket", sealed)


@given(purpose=st.text(max_size=20).filter(lambda text: text != "ticket"))
def test_no_other_purpose_opens_it(purpose: str) -> None:
    with pytest.raises(NotFound):
        SEALER.open(purpose, _seal(b"payload"))
