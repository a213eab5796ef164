"""When a view is due by the calendar or by the clock: cron expressions and periods.

cronsim walks the calendar; what a zone does twice a year is decided here.  An hour that is
skipped runs at the first minute behind it, one that is repeated runs once.  An expression that
names no hour (``*`` or ``*/2``) runs every hour that passes, so twice in a repeated one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from flightlake.errors import InvalidSql
from flightlake.refresh.durations import parse_duration, written


@dataclass(frozen=True, slots=True)
class Cron:
    """``expression`` has 5 fields, or 6 with seconds in front; ``zone`` is of the IANA list."""

    expression: str
    zone: str = "UTC"

    def __str__(self) -> str:
        zone = "" if self.zone == "UTC" else f" AT TIME ZONE '{self.zone}'"
        return f"'cron {self.expression}'{zone}"


@dataclass(frozen=True, slots=True)
class Every:
    """One refresh in each ``period``, counted from the last one."""

    period: timedelta

    def __str__(self) -> str:
        return f"'every {written(self.period)}'"


Schedule = Cron | Every


def parse_schedule(text: str, zone: str | None = None) -> Schedule:
    """Return the schedule that *text* says: ``cron 0 3 * * *`` or ``every 15 minutes``.

    Raises:
        InvalidSql: It says none, the zone is not known, or no date ever fits.
    """
    kind, _, rest = text.strip().partition(" ")
    if kind.lower() == "every":
        if zone is not None:
            raise InvalidSql("AT TIME ZONE goes with a 'cron …' schedule; leave it out")
        return Every(parse_duration(rest, "SCHEDULE"))
    if kind.lower() != "cron":
        raise InvalidSql(
            f"'{text[:50]}' is no schedule; write 'every 15 minutes' or 'cron 0 3 * * *'"
        )
    return checked(Cron(" ".join(rest.split()).upper(), zone or "UTC"))


def checked(cron: Cron) -> Cron:
    """Return *cron* if it can be followed.

    Raises:
        InvalidSql: Its zone is not known, its expression is wrong, or no date ever fits it.
    """
    _zone(cron.zone)
    if len(cron.expression.split()) not in (5, 6):
        raise InvalidSql(
            f"'{cron.expression[:50]}' is no cron expression; write minute, hour, day, month and"
            " day of the week, like '0 3 * * *'"
        )
    try:
        next_slot(cron, datetime(2000, 1, 1, tzinfo=UTC))
    except (CronSimError, StopIteration) as wrong:
        said = str(wrong) or "no date fits it"
        raise InvalidSql(f"'{cron.expression[:50]}' is no cron expression: {said}") from wrong
    return cron


@lru_cache(maxsize=65536)
def next_slot(cron: Cron, after: datetime) -> datetime:
    """Return the first moment behind *after* at which *cron* is due, in UTC."""
    zone = _zone(cron.zone)
    local = after.astimezone(zone)
    hour = cron.expression.split()[-4]
    if hour.startswith("*"):
        # Walks the seconds that pass, of which no zone skips or repeats any.
        return next(CronSim(cron.expression, local)).astimezone(UTC)
    # What the wall showed before, it showed first at a moment that is over: none is missed.
    walk = CronSim(cron.expression, local.replace(tzinfo=None, fold=0))
    while True:
        found = _in_zone(next(walk), zone)
        if found > after:
            return found


def _in_zone(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment at which a clock on the wall shows *wall*, the first if it does twice.

    A time that it never shows is the first minute behind those that it skips.
    """
    moment = wall.replace(tzinfo=zone, fold=0)
    back = moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    if back == wall:
        return moment.astimezone(UTC)
    # Before the gap with the offset behind it, and the other way round: the gap is between.
    low, high = sorted((moment.astimezone(UTC), moment.replace(fold=1).astimezone(UTC)))
    before = low.astimezone(zone).utcoffset()
    low = low.replace(second=0, microsecond=0)
    while low < high:
        low += timedelta(minutes=1)
        if low.astimezone(zone).utcoffset() != before:
            break
    return low


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as unknown:
        raise InvalidSql(
            f"'{name[:50]}' is no time zone; write one like 'Europe/Paris'"
        ) from unknown
