"""What a statement means where it does not say it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Defaults:
    """The session's part of a statement's meaning; ``""`` for none.

    ``catalog`` and ``db_schema`` stand in for those a name leaves out; ``branch`` is read of the
    tables that have it.
    """

    catalog: str
    db_schema: str
    branch: str = ""
