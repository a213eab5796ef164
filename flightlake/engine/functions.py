"""The engine's scalar functions by the kinds of Flight SQL, and its reserved words."""

from collections.abc import Sequence
from dataclasses import dataclass

from datafusion import SessionContext

_NUMERIC = frozenset(
    """abs acos acosh asin asinh atan atan2 atanh cbrt ceil cos cosh cot degrees exp factorial
    floor gcd iszero isnan lcm ln log log10 log2 nanvl pi pow power radians random round
    signum sin sinh sqrt tan tanh trunc""".split()
)
_STRING = frozenset(
    """ascii bit_length btrim char_length character_length chr concat concat_ws contains decode
    encode ends_with find_in_set initcap instr left length levenshtein lower lpad ltrim md5
    octet_length overlay position regexp_count regexp_instr regexp_like regexp_match
    regexp_replace repeat replace reverse right rpad rtrim sha224 sha256 sha384 sha512
    split_part starts_with strpos substr substr_index substring substring_index to_hex
    translate trim upper uuid""".split()
)
_DATETIME = frozenset(
    """current_date current_time current_timestamp date_bin date_format date_part date_trunc
    datepart datetrunc from_unixtime make_date make_time now to_char to_date to_local_time
    to_time to_timestamp to_timestamp_micros to_timestamp_millis to_timestamp_nanos
    to_timestamp_seconds to_unixtime today""".split()
)
_SYSTEM = frozenset("""arrow_cast arrow_typeof coalesce ifnull nullif nvl nvl2 version""".split())

KEYWORDS: Sequence[str] = (
    "ANTI", "DESCRIBE", "EXCLUDE", "ILIKE", "LIMIT", "OFFSET", "QUALIFY", "SEMI", "SHOW",
)  # fmt: skip
"""Words with a meaning beyond those of SQL:2003."""


@dataclass(frozen=True, slots=True)
class Functions:
    """Names of scalar functions, sorted."""

    numeric: tuple[str, ...]
    string: tuple[str, ...]
    system: tuple[str, ...]
    datetime: tuple[str, ...]


def functions() -> Functions:
    """Return the functions the engine has."""
    known = set(SessionContext().udfs())
    kinds = (_NUMERIC, _STRING, _SYSTEM, _DATETIME)
    return Functions(*(tuple(sorted(names & known)) for names in kinds))
