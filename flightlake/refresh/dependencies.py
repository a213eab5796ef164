"""Views that read views: in which order they are refreshed, and which of them hold others up."""

from collections.abc import Iterable, Mapping

from flightlake.names import TableIdentifier
from flightlake.refresh.finding import View, Views
from flightlake.refresh.status import is_stuck


def stale_upstream(view: View, views: Views) -> TableIdentifier | None:
    """Return a view that *view* reads, straight or not, and that is stuck or has no rows yet.

    A view that cannot be asked is not taken for stuck.
    """
    found = {view.identifier: view}
    waiting = [view]
    while waiting:
        for name in waiting.pop().reads - found.keys():
            source = views.glance(name)
            if source is not None:
                found[name] = source
                waiting.append(source)
    return stale_source(view, found)


def stale_source(view: View, known: Mapping[TableIdentifier, View]) -> TableIdentifier | None:
    """Return the view of *known* that is stuck, or has no rows yet, and that *view* reads,
    straight or not."""
    seen, waiting = {view.identifier}, sorted(view.reads)
    while waiting:
        name = waiting.pop(0)
        source = known.get(name)
        if name in seen or source is None:
            continue
        seen.add(name)
        if is_stuck(source.status) or source.waiting is not None:
            return name
        waiting += sorted(source.reads)
    return None


def in_order(views: Iterable[View]) -> list[View]:
    """Return *views* so that each comes after those of them that it reads; else by name."""
    waiting = {view.identifier: view for view in sorted(views, key=lambda view: view.identifier)}
    found: list[View] = []
    while waiting:
        free = [view for view in waiting.values() if not (view.reads & waiting.keys())]
        # Nobody makes a circle; if there is one, it is taken as it comes.
        for view in free or list(waiting.values())[:1]:
            found.append(waiting.pop(view.identifier))
    return found


def readers_of(view: TableIdentifier, views: Iterable[View]) -> list[View]:
    """Return those of *views* that read *view*, straight or through others, in order."""
    every = list(views)
    names = {view}
    while more := {one.identifier for one in every if one.reads & names} - names:
        names |= more
    return [one for one in in_order(every) if one.identifier in names - {view}]
