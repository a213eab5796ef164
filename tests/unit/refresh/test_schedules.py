"""Schedules follow the walls' clocks of their zone, also twice a year."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from flightlake.errors import InvalidSql
from flightlake.refresh import schedules
from flightlake.refresh.schedules import Cron, Every, next_slot, parse_schedule
from flightlake.refresh.schedules import _in_zone as in_zone


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


ZONES = ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]
# Around where their clocks are moved, by an hour, half an hour, or a whole day.
MOVES = [
    datetime(2026, 3, 29, 1), datetime(2026, 10, 25, 1), datetime(2026, 3, 8, 7),
    datetime(2026, 11, 1, 6), datetime(2026, 10, 3, 15, 30), datetime(2026, 4, 4, 15),
    datetime(2011, 12, 30, 10),
]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["30 2 * * *", "*/20 1-3 * * *", "7 0-23 * * *", "0 0 30,31 12 *"]),
    st.sampled_from(ZONES),
    st.sampled_from(MOVES),
    st.integers(-50 * 3600, 50 * 3600),
)
def test_no_slot_is_missed_where_clocks_are_moved(
    expression: str, zone: str, move: datetime, seconds: int
) -> None:
    start = move.replace(tzinfo=UTC) + timedelta(seconds=seconds)
    wall = start.astimezone(ZoneInfo(zone)).replace(tzinfo=None) - timedelta(days=3)
    walk, found = CronSim(expression, wall), start
    while found <= start:
        found = in_zone(next(walk), ZoneInfo(zone))
    assert next_slot(Cron(expression, zone), start) == found


def test_every_second_of_many_hours_is_found_without_walking_through_a_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[datetime] = []

    def counted(wall: datetime, zone: ZoneInfo) -> datetime:
        looked_at.append(wall)
        return in_zone(wall, zone)

    monkeypatch.setattr(schedules, "_in_zone", counted)
    start = datetime(2026, 5, 6, 2, 30, 5, tzinfo=UTC)
    second = next_slot(Cron("* * 0-23 * * *", "Europe/Paris"), start)
    assert second == start + timedelta(seconds=1)
    assert len(looked_at) == 1


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
