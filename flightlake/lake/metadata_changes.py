"""The metadata of a table as it is after a change."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyiceberg.table.metadata import TableMetadata, TableMetadataV2
from pyiceberg.table.update import TableUpdate, update_table_metadata


def changed(
    metadata: TableMetadata, updates: Sequence[TableUpdate], location: str | None
) -> TableMetadata:
    """Return *metadata*, which stays as it is, after *updates*.

    Args:
        metadata: Of format version 2.
        updates: What changes, in order.
        location: Of the metadata file until now; None for a new table.

    Raises:
        ValueError: A change does not go with what is there.
    """
    shared = _Shared.model_construct(metadata.model_fields_set, **_fields(metadata))
    made = update_table_metadata(shared, tuple(updates), metadata_location=location)
    return TableMetadataV2.model_construct(made.model_fields_set, **_fields(made))


class _Shared(TableMetadataV2):
    """Metadata that shares its parts with what it was made of.

    All of them are immutable, and each change makes new lists.  The library copies everything
    at the end all the same, which takes longer than all else of a commit.
    """

    def model_copy(
        self, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> "_Shared":
        return super().model_copy(update=update)


def _fields(metadata: TableMetadata) -> dict[str, Any]:
    return {name: getattr(metadata, name) for name in type(metadata).model_fields}
