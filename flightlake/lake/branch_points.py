"""What ``main`` said of a view when a branch of it first said otherwise.

Whoever merges the branch can tell by that what was changed there, and what on ``main``.
"""

from collections.abc import Mapping

from flightlake.lake.materialized import DEFINITION, PREFIX, on_branch

SETTINGS = (DEFINITION, f"{PREFIX}policy", f"{PREFIX}status")
"""Properties that people change, on ``main`` and on branches."""

_WAS = f"{PREFIX}was."


def is_point(name: str) -> bool:
    """Return whether the property *name*, as a branch sees it, is one that is kept here."""
    return name.startswith(_WAS)


def points(
    told: Mapping[str, str], branch: str, properties: Mapping[str, str]
) -> Mapping[str, str]:
    """Return what is to be kept with *told*, which a branch is about to say.

    *properties* are those of the table; empty texts stand for what ``main`` did not say.
    """
    if DEFINITION not in properties:
        return {}
    return {
        on_branch(_kept(name), branch): properties.get(name, "")
        for name in SETTINGS
        if on_branch(name, branch) in told and on_branch(name, branch) not in properties
    }


def point_of(properties: Mapping[str, str], branch: str) -> Mapping[str, str]:
    """Return the *properties* of ``main`` when *branch* first said otherwise, as far as known."""
    return {
        name: properties[on_branch(_kept(name), branch)]
        for name in SETTINGS
        if on_branch(_kept(name), branch) in properties
    }


def _kept(name: str) -> str:
    return _WAS + name.removeprefix(PREFIX)
