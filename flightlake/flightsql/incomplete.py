"""How an answer says that something is missing from it.

Flight SQL has no place for a warning, so it is a response header, ``flightlake-incomplete``:
a comma-separated list of percent-encoded names, of catalogs that did not answer and of tables
whose columns could not be read.
"""

from collections.abc import Iterable
from urllib.parse import quote

HEADER = "flightlake-incomplete"

_LENGTH = 2000
"""Clients accept some 8 KiB of headers in all; a longer list ends in ``...``."""


def incomplete(missing: Iterable[str]) -> list[tuple[str, str]]:
    """Return the header that names what is *missing*, or none if nothing is."""
    names: list[str] = []
    length = 0
    for name in missing:
        encoded = quote(name)
        length += len(encoded) + 1
        if length > _LENGTH:
            names.append("...")
            break
        names.append(encoded)
    return [(HEADER, ",".join(names))] if names else []
