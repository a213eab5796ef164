"""Table metadata as JSON, without what pyiceberg cannot parse and reading does not need.

* Sort orders and statistics files decide no row.
* A partition field of several columns (v3) tells nothing here, like one of an unknown transform:
  both are given a transform that nothing is known of, lest they be taken for another.
* Types that are not known, and defaults of nested columns, in schemas that are no longer the
  current one: the columns become ``unknown``.  Whoever asks for the table as it was then is
  refused; others do not care.
* Defaults for writers.

Source: Iceberg spec, "Partition Transforms", "Sorting", "Table Metadata Fields".
"""

import re
from collections.abc import Mapping
from typing import Any

from flightlake.lake.refusals import has_nested_default, is_known_type

_UNNEEDED = ("sort-orders", "default-sort-order-id", "statistics", "partition-statistics")
_UNSORTED = {"sort-orders": [{"order-id": 0, "fields": []}], "default-sort-order-id": 0}
_TRANSFORM = re.compile(r"identity|void|year|month|day|hour|(bucket|truncate)\[\d+\]")
_MEMBERS = ("element", "key", "value")


def readable(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table's metadata as pyiceberg can parse it; a new object."""
    made = {name: value for name, value in document.items() if name not in _UNNEEDED} | _UNSORTED
    for name in ("schemas", "partition-specs"):
        if name in made:
            made[name] = [_readable(part) for part in made[name]]
    if isinstance(made.get("partition-spec"), list):
        made["partition-spec"] = [_field(field) for field in made["partition-spec"]]
    return made


def _readable(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema, a struct in one, or a partition spec, all of whose fields are known."""
    return {**part, "fields": [_field(field) for field in part.get("fields", ())]}


def _field(field: Mapping[str, Any]) -> dict[str, Any]:
    if "transform" in field:
        sources = field.get("source-ids") or ()
        transform = str(field["transform"])
        if len(sources) < 2 and _TRANSFORM.fullmatch(transform):
            return dict(field)
        plain = {name: value for name, value in field.items() if name != "source-ids"}
        more = {"source-id": sources[0]} if sources else {}
        return plain | more | {"transform": f"unknown {transform}"}
    made = {name: value for name, value in field.items() if name != "write-default"}
    if has_nested_default(field):
        return {**made, "type": "unknown", "initial-default": None}
    return {**made, "type": _type(field.get("type"))}


def _type(declared: Any) -> Any:
    if isinstance(declared, str):
        return declared if is_known_type(declared) else "unknown"
    if not isinstance(declared, Mapping):
        return declared
    if "fields" in declared:
        return _readable(declared)
    return {name: _type(value) if name in _MEMBERS else value for name, value in declared.items()}
