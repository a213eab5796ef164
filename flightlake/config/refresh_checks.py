"""What must hold of ``[refresh]``, and between it and the catalogs."""

from collections.abc import Iterator, Mapping

from flightlake.config.models import Catalog, Refresh
from flightlake.names import nearest


def check_refresh(refresh: Refresh, catalogs: Mapping[str, Catalog]) -> Iterator[tuple[str, str]]:
    """Yield the problems of *refresh*: a key and a sentence each."""
    if refresh.ownership == "peers" and refresh.instance not in refresh.peers:
        yield (
            "refresh.instance",
            "this must be one of `refresh.peers`, as which this process knows itself",
        )
    if refresh.ownership != "peers" and refresh.peers:
        yield (
            "refresh.peers",
            'this has no effect; set `refresh.ownership` to "peers", or remove it',
        )
    if refresh.ownership == "catalog":
        yield from _meeting(refresh.catalog, catalogs)
    elif refresh.catalog:
        text = 'this has no effect; set `refresh.ownership` to "catalog", or remove it'
        yield "refresh.catalog", text


def _meeting(name: str, catalogs: Mapping[str, Catalog]) -> Iterator[tuple[str, str]]:
    if name not in catalogs:
        hint = nearest(name, catalogs)
        text = f"did you mean {hint}?" if hint else "name one of `[catalogs.…]`"
        yield "refresh.catalog", f'there is no catalog "{name}"; {text}'
    elif catalogs[name].type != "sql":
        yield "refresh.catalog", f'catalog "{name}" has no database; name one of type "sql"'
    elif not catalogs[name].writable:
        text = f"a table is made in its database; set `catalogs.{name}.writable`"
        yield "refresh.catalog", text
