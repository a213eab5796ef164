"""What must hold of one catalog, by its type, and of its properties."""

from collections.abc import Iterator

from flightlake.config.models import Catalog
from flightlake.lake import properties

_OF_FILES = ("s3.server-side-encryption", "s3.sse-kms-key-id")
"""What mattered to nobody as long as no file was written."""


def check_catalog(key: str, catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Yield the problems of *catalog*, whose table is *key*: a key and a sentence each.

    What stands in files is not looked at: they are there for servers only.
    """
    given = {**catalog.properties, **({"uri": catalog.uri} if catalog.uri else {})}
    for name, text in properties.problems(catalog.type, given):
        if name in catalog.property_files:
            continue
        if name == "uri":
            # Missing, it is reported as every required key is.
            if catalog.uri:
                yield f"{key}.uri", text
        else:
            yield f"{key}.properties.{name}", text
    if catalog.writable:
        yield from _written(key, catalog)
    for name, text in properties.of_stores(catalog.properties, catalog.property_files):
        where = "properties" if name in catalog.properties else "property_files"
        yield f"{key}.{where}.{name}", text


def _written(key: str, catalog: Catalog) -> Iterator[tuple[str, str]]:
    if catalog.caller_token:
        text = "everybody may read a view, so none is kept where callers read with tokens of their"
        yield f"{key}.writable", f"{text} own; remove this key, or `caller_token`"
    for name in _OF_FILES:
        if str(catalog.properties.get(name, "")) or name in catalog.property_files:
            where = "properties" if name in catalog.properties else "property_files"
            text = "files would be written without it; let the bucket encrypt them by default"
            yield f"{key}.{where}.{name}", text
