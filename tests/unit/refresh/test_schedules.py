"""Schedules follow the walls' clocks of their zone, also twice a year."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightlake.errors import InvalidSql
from flightlake.refresh.schedules import Cron, Every, next_slot, parse_schedule


def slots(expression: str, zone: str, start: str, count: int) -> list[str]:
    """Return the next slots behind *start*, in UTC."""
    moment, found = datetime.fromisoformat(start).replace(tzinfo=UTC), []
    for _ in range(count):
        moment = next_slot(Cron(expression, zone), moment)
        found.append(moment.strftime("%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("expression", "zone", "start", "expected"),
    [
        ("0 3 * * *", "UTC", "2026-01-01 02:59", ["01-01 03:00", "01-02 03:00"]),
        ("0 3 * * *", "UTC", "2026-01-01 03:00", ["01-02 03:00"]),
        ("0 3 * * 1", "Europe/Paris", "2026-11-20 12:00", ["11-23 02:00"]),
        # Clocks go from 02:00 to 03:00 on 29 March: what is skipped is at 03:00, once.
        ("30 2 * * *", "Europe/Paris", "2026-03-28 12:00", ["03-29 01:00", "03-30 00:30"]),
        ("*/15 2 * * *", "Europe/Paris", "2026-03-29 00:59", ["03-29 01:00", "03-30 00:00"]),
        ("0 30 2 * * *", "Europe/Paris", "2026-03-28 12:00", ["03-29 01:00", "03-30 00:30"]),
        # Clocks go from 03:00 back to 02:00 on 25 October: what is twice is the first time.
        ("30 2 * * *", "Europe/Paris", "2026-10-24 12:00", ["10-25 00:30", "10-26 01:30"]),
        (
            "*/30 2 * * *",
            "Europe/Paris",
            "2026-10-24 23:00",
            ["10-25 00:00", "10-25 00:30", "10-26 01:00"],
        ),
        # Whoever names no hour is due every hour that passes.
        ("0 * * * *", "Europe/Paris", "2026-10-24 23:30", ["10-25 00:00", "10-25 01:00"]),
        ("0 * * * *", "Europe/Paris", "2026-03-29 00:00", ["03-29 01:00", "03-29 02:00"]),
        # Half an hour is skipped on Lord Howe Island.
        ("0 2 * * *", "Australia/Lord_Howe", "2026-10-03 12:00", ["10-03 15:30", "10-04 15:00"]),
    ],
)
def test_a_cron_expression_is_due_as_its_zone_s_clocks_say(
    expression: str, zone: str, start: str, expected: list[str]
) -> None:
    assert slots(expression, zone, start, len(expected)) == expected


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["30 2 * * *", "*/20 1-3 * * *", "0 * * * *", "15 2 25 10 *", "0 0 29 2 *"]),
    st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
)
def test_slots_only_go_forward(expression: str, zone: str, start: datetime) -> None:
    cron = Cron(expression, zone)
    first = next_slot(cron, start)
    assert start < first < next_slot(cron, first)
    # Nothing lies between: whoever looks from any moment before sees the same slot.
    assert next_slot(cron, start + (first - start) / 2) == first


@pytest.mark.parametrize(
    ("text", "zone", "schedule"),
    [
        ("every 15 minutes", None, Every(timedelta(minutes=15))),
        ("EVERY 1 day", None, Every(timedelta(days=1))),
        ("cron  0 3 * * mon", None, Cron("0 3 * * MON")),
        ("cron 0 3 * * *", "Europe/Paris", Cron("0 3 * * *", "Europe/Paris")),
    ],
)
def test_a_schedule_is_what_it_says(text: str, zone: str | None, schedule: object) -> None:
    found = parse_schedule(text, zone)
    assert found == schedule
    written = str(found)
    inner = written.split("'")[1]
    assert parse_schedule(inner, written.split("'")[3] if zone else None) == schedule


@pytest.mark.parametrize(
    ("text", "zone", "words"),
    [
        ("daily", None, "no schedule"),
        ("every", None, "no length of time"),
        ("every 1 h", "Europe/Paris", "AT TIME ZONE"),
        ("cron 0 3 * *", None, "minute, hour"),
        ("cron 0 25 * * *", None, "Bad hour"),
        ("cron 0 0 30 2 *", None, "no cron expression"),
        ("cron 0 3 * * *", "../../etc/passwd", "no time zone"),
        ("cron 0 3 * * *", "Europe/Atlantis", "'Europe/Atlantis' is no time zone"),
    ],
)
def test_what_cannot_be_followed_is_refused(text: str, zone: str | None, words: str) -> None:
    with pytest.raises(InvalidSql, match=words):
        parse_schedule(text, zone)
