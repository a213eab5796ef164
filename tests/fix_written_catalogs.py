"""Catalogs of any kind that misbehave when they are written: answers lost, late, or given twice."""

from collections.abc import Callable
from typing import Any

from flightlake.lake.writing import Lost


class Unsteady:
    """A catalog around another; what it does to the changes that it is sent is up to a test.

    ``change`` is given each change as something to call, and answers in its place.
    """

    def __init__(self, catalog: Any) -> None:
        self.catalog = catalog
        self.change: Callable[[Callable[[], Any]], Any] = lambda send: send()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.catalog, name)

    # The protocol is asked for at run time, which looks for these on the class.
    def current(self, *name: Any) -> Any:
        return self.catalog.current(*name)

    def fresh(self, *begin: Any) -> Any:
        return self.catalog.fresh(*begin)

    def attempt(self, *change: Any) -> Any:
        return self.change(lambda: self.catalog.attempt(*change))

    def drop(self, table: Any) -> Any:
        return self.change(lambda: self.catalog.drop(table))

    def rename(self, *names: Any) -> Any:
        return self.change(lambda: self.catalog.rename(*names))

    def compares_properties(self) -> bool:
        found: bool = self.catalog.compares_properties()
        return found

    def materialized_views(self, db_schema: str) -> Any:
        return self.catalog.materialized_views(db_schema)


def answer_lost(send: Callable[[], Any]) -> Any:
    """Do what is asked for, and do not answer."""
    send()
    raise Lost


def sent_twice(send: Callable[[], Any]) -> Any:
    """Do what is asked for twice, and tell the second answer, as a gateway may."""
    send()
    return send()
