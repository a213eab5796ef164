"""What DataFusion says when it fails → our errors.

datafusion-python has no error classes, so this goes by the text; ``tests/unit/engine`` holds a
sample of each.  What is not recognised becomes ``InternalError`` and says nothing of itself:
messages of stores and files hold paths.
"""

import re
from collections.abc import Callable

from flightlake.engine.sql_text import SqlText, original_position
from flightlake.errors import (
    DamagedData,
    FlightlakeError,
    InternalError,
    InvalidSql,
    NotFound,
    NotReady,
    Overloaded,
    Unsupported,
)
from flightlake.names import nearest

NOT_FOUND = re.compile(r"^(?:DataFusion error: )?Error during planning: table '(.*)' not found")
"""What the engine says when nobody has the table of the name in the group."""

_MAX_TEXT = 500
_PREFIX = re.compile(
    r"^(?:DataFusion error: |External error: |External: |Execution error: Non Panic Task error: |"
    r"Optimizer rule '[^']*' failed\s+caused by\s+|type_coercion\s+caused by\s+|"
    r"check_analyzed_plan\s+caused by\s+|Context\(.*?\): |"
    r"[a-z_]+\s+caused by\s+|Shared\()+"
)
_POSITION = re.compile(r" at Line: (\d+), Column: (\d+)")
_PARSER = re.compile(r'^SQL error: (?:ParserError|TokenizerError)\("(.*)"\)', re.DOTALL)
_NO_FIELD = re.compile(r"No field named ([^\n]+?)\.(?:\s|$)")
_TWO_OF_ONE_NAME = re.compile(
    r"^Schema error: .*qualified field name \S+ and unqualified field name (.+) which would be"
)
_VALID = re.compile(r"Valid fields are ([^\n]+)\.")
_PATHLIKE = re.compile(r"(?:\w+:)?//?[\w.%+=@-]+(?:/[\w.%+=@-]+)+")


def translate(error: BaseException, text: SqlText) -> FlightlakeError:
    """Return the error to tell the client for an engine's *error* on the statement *text*."""
    if isinstance(error, FlightlakeError):
        return error
    message = str(error)
    while True:
        stripped = _PREFIX.sub("", message, count=1)
        if stripped == message:
            break
        message = stripped
    for pattern, make in _SAMPLES:
        if re.search(pattern, message):
            return make(message, text)
    return InternalError("the engine failed in a way that is not known; the server's log has more")


def _syntax(message: str, text: SqlText) -> FlightlakeError:
    match = _PARSER.search(message)
    said = match.group(1).replace('\\"', '"').replace("\\'", "'") if match else message
    where = _POSITION.search(said)
    if where is None:
        said, position = said, "at the end of the statement" if "EOF" in said else ""
    else:
        line, column = original_position(text, int(where.group(1)), int(where.group(2)))
        said, position = _POSITION.sub("", said), f"at line {line}, column {column}"
    said = said[:1].lower() + said[1:]
    return InvalidSql(_short(f"syntax error {position}: {said}".replace("  ", " ")))


def _no_field(message: str, text: SqlText) -> FlightlakeError:
    match = _NO_FIELD.search(message)
    if match is None:
        return InvalidSql(_short(message))
    name = match.group(1)
    valid = _VALID.search(message)
    fields = [field.strip() for field in valid.group(1).split(", ")] if valid else []
    bare = {field.rsplit(".", 1)[-1].strip('"'): field for field in fields}
    near = nearest(name.rsplit(".", 1)[-1].strip('"'), bare)
    if near is not None:
        return InvalidSql(_short(f"column {name} does not exist; did you mean '{near}'?"))
    known = f"; there are {', '.join(list(bare)[:20])}" if bare else ""
    return InvalidSql(_short(f"column {name} does not exist{known}"))


def _two_of_one_name(message: str, text: SqlText) -> FlightlakeError:
    # The engine calls what has no name in a branch of UNION as the column of the branch before.
    match = _TWO_OF_ONE_NAME.search(message)
    name = match.group(1) if match else "the same"
    return Unsupported(
        _short(
            f"two columns of one SELECT are called {name}, one of them perhaps as it stands behind"
            " UNION, INTERSECT or EXCEPT and has no name; give each a name of its own with AS"
        )
    )


def _statement(message: str, text: SqlText) -> FlightlakeError:
    message = re.sub(
        r"^(?:Error during planning|Schema error|Arrow error|Execution error|Internal error"
        r"|SQL error|Invalid argument error|Cast error|Compute error|Parser error): ",
        "",
        message,
    )
    return InvalidSql(_short(message))


def _unsupported(message: str, text: SqlText) -> FlightlakeError:
    said = message.removeprefix("This feature is not implemented: ")
    return Unsupported(_short(f"the engine does not support this: {said}"))


def _subquery_as_value(message: str, text: SqlText) -> FlightlakeError:
    return Unsupported(
        "the engine knows EXISTS and IN with a subquery only as a condition, in WHERE, HAVING or"
        " ON; as a value, write a scalar subquery with count(*)"
    )


def _no_catalog(message: str, text: SqlText) -> FlightlakeError:
    # The engine asks for it by the default catalog's name.
    return NotFound(
        "the session has no catalog to show: set the session option 'catalog', or ask"
        " catalog.information_schema.tables"
    )


def _nested_type(message: str, text: SqlText) -> FlightlakeError:
    return InvalidSql("a type of the result is too deeply nested")


def _memory(message: str, text: SqlText) -> FlightlakeError:
    return Overloaded(
        "the statement needs more memory than this server gives it; filter or aggregate more,"
        " or raise limits.memory"
    )


def _spill(message: str, text: SqlText) -> FlightlakeError:
    return Overloaded(
        "the statement needs more spill space than this server gives it; filter or aggregate"
        " more, or raise limits.spill_limit"
    )


def _missing_file(message: str, text: SqlText) -> FlightlakeError:
    return DamagedData("a data file of one of the statement's tables is missing from its store")


def _broken_file(message: str, text: SqlText) -> FlightlakeError:
    return DamagedData(
        "a data file of one of the statement's tables is not a readable Parquet file"
    )


def _open_files(message: str, text: SqlText) -> FlightlakeError:
    return Overloaded(
        "the statement reads more data files than this server may have open; filter more, compact"
        " the table, or raise the server's limit of open files (ulimit -n)"
    )


def _store(message: str, text: SqlText) -> FlightlakeError:
    return NotReady("the object store of one of the statement's tables does not answer")


Make = Callable[[str, SqlText], FlightlakeError]

# In order: the first that is found decides.
_SAMPLES: tuple[tuple[str, Make], ...] = (
    (r"^SQL error: (ParserError|TokenizerError)", _syntax),
    (r"^Schema error: No field named", _no_field),
    (_TWO_OF_ONE_NAME.pattern, _two_of_one_name),
    (r"unless information_schema is enabled", _no_catalog),
    (r"No space left on device|max_temp_directory_size|disk usage.*exceed", _spill),
    (r"Resources exhausted|Failed to allocate", _memory),
    (r"Too many open files|os error 24\b", _open_files),
    (r"^Object Store error: .*(not found|NotFound|No such file)", _missing_file),
    # A request that failed while a file was read; not what is in the file.
    (r"^(Arrow error: )?Parquet error: External: Generic \w+ error: Error performing", _store),
    (r"^(Arrow error: )?(ParquetError|Parquet (argument )?error|Arrow: Parquet)", _broken_file),
    (r"Invalid Parquet|Corrupt|footer|range start must not be greater", _broken_file),
    (r"^Object Store error", _store),
    (r"does not support logical expression (Exists|InSubquery)", _subquery_as_value),
    (r"^This feature is not implemented", _unsupported),
    (r"Recursion level in ArrowSchema", _nested_type),
    (r"^Error during planning: Internal error: Function '", _statement),
    (r"^Internal error", lambda message, text: InternalError("the engine met a defect of its own")),
    (
        r"^(Error during planning|Schema error|Arrow error|Execution error|SQL error"
        r"|Invalid argument error|Cast error|Compute error|Parser error|Divide by zero"
        r"|Overflow|.*Placeholder)",
        _statement,
    ),
)


def _short(message: str) -> str:
    first = _PATHLIKE.sub("…", " ".join(message.split()))
    return first if len(first) <= _MAX_TEXT else first[: _MAX_TEXT - 1] + "…"
