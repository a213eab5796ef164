"""What must hold of one catalog, by its type, and of its properties."""

from collections.abc import Iterator

from flightlake.config.models import Catalog
from flightlake.lake import properties


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
    if catalog.writable and catalog.type != "sql":
        yield f"{key}.writable", 'only catalogs of type "sql" are written; remove this key'
    for name, text in properties.of_stores(catalog.properties, catalog.property_files):
        where = "properties" if name in catalog.properties else "property_files"
        yield f"{key}.{where}.{name}", text
