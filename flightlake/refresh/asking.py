"""Who sends a statement about views, and whether they may change any."""

from dataclasses import dataclass, replace

from flightlake.auth import Identity
from flightlake.cancellation import Cancellation
from flightlake.errors import NotPermitted
from flightlake.names import TableIdentifier
from flightlake.refresh.statements import Name, Placed, identified

WRITER = "writer"
"""The role of those who may change views."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who sends a statement, with which defaults, and when it is no longer wanted."""

    identity: Identity
    catalog: str
    db_schema: str
    branch: str
    call: Cancellation

    def named(self, name: Name) -> TableIdentifier:
        """Return *name* in full; raises ``InvalidSql`` if there is no default for a part."""
        return identified(name, self.catalog, self.db_schema)


def placed(asked: Asked, statement: Placed) -> Asked:
    """Return *asked* with what *statement* says of where it is."""
    catalog, db_schema = statement.place or (asked.catalog, asked.db_schema)
    branch = asked.branch if statement.branch is None else statement.branch
    return replace(asked, catalog=catalog, db_schema=db_schema, branch=branch)


def require_writer(asked: Asked) -> None:
    """Raise unless whoever asks may change views here."""
    identity = asked.identity
    if identity.method == "anonymous":
        raise NotPermitted("materialized views are changed by users who log in; log in as one")
    if WRITER not in identity.roles:
        raise NotPermitted(
            f"materialized views are changed by users with the role '{WRITER}', which you have not"
        )
