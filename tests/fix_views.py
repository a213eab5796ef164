"""Views in a REST catalog, written as other engines write them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyiceberg.view.metadata import SQLViewRepresentation, ViewRepresentation, ViewVersion

from tests.fix_catalogs import Lake

NUMBER = pa.schema([("n", pa.int64())])


def create_view(
    lake: Lake,
    name: str,
    sql: str | Mapping[str, str],
    schema: pa.Schema = NUMBER,
    *,
    dialect: str = "spark",
    catalog: str | None = None,
    namespace: Sequence[str] | None = None,
    properties: Mapping[str, str] | None = None,
) -> Any:
    """Create the view *name*; *sql* may be one text in *dialect*, or texts by dialect."""
    written = {dialect: sql} if isinstance(sql, str) else sql
    version = ViewVersion(
        schema_id=0,
        representations=[
            ViewRepresentation(SQLViewRepresentation(type="sql", sql=text, dialect=whose))
            for whose, text in written.items()
        ],
        default_catalog=catalog,
        default_namespace=tuple(namespace or (lake.root,)),
    )
    identifier = (lake.root, name)
    return lake.writer.create_view(identifier, schema, version, properties=dict(properties or {}))
