"""How columns come out of files, resolved once for all files that are alike."""

from collections.abc import Mapping, Sequence

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import NestedField

from flightlake.lake.layouts import Layout
from flightlake.lake.manifest_lists import ManifestRef
from flightlake.lake.manifests import Manifest
from flightlake.lake.mapping import (
    Constants,
    Resolved,
    constants_key,
    name_mapping_of,
    resolve,
    way_key,
)
from flightlake.lake.pinned import Pinned


class Resolver:
    """Resolves the columns of one table's files; one per plan."""

    def __init__(self, pinned: Pinned) -> None:
        self._table = pinned.table
        self._name_mapping = name_mapping_of(pinned.metadata, pinned.table)
        self._identity = _identity_sources(pinned.metadata)
        self._resolved: dict[tuple[object, ...], Resolved] = {}
        self._ways: dict[tuple[object, ...], Resolved] = {}

    def resolve_all(
        self, layout: Layout, constants: Constants, fields: Sequence[NestedField]
    ) -> Resolved:
        """As ``resolve``, where the engine does not fill in what the files lack."""
        return self.resolve(layout, constants, fields, fill=False)

    def resolve(
        self,
        layout: Layout,
        constants: Constants,
        fields: Sequence[NestedField],
        fill: bool = True,
    ) -> Resolved:
        """Return how *fields* come out of *layout*: the same object for the same way."""
        wanted = tuple((field.field_id, field.name) for field in fields)
        key = (layout, constants_key(constants), wanted, fill)
        found = self._resolved.get(key)
        if found is None:
            made = resolve(layout, fields, constants, self._table, self._name_mapping, fill=fill)
            found = self._ways.setdefault(way_key(made), made)
            self._resolved[key] = found
        return found

    def constants(
        self, ref: ManifestRef, manifest: Manifest, row: int, layout: Layout
    ) -> Constants:
        """Return the identity partition values of a file that leaves their columns out."""
        sources = self._identity.get(ref.spec_id)
        if not sources:
            return {}
        stored = {column.field_id for column in layout.columns}
        return {
            source: manifest.partition_values[partition_field][row]
            for partition_field, source in sources.items()
            if source not in stored and partition_field in manifest.partition_values
        }


def _identity_sources(metadata: TableMetadata) -> Mapping[int, Mapping[int, int]]:
    """Return for each spec the source columns of its identity fields, by partition field."""
    return {
        spec.spec_id: {
            member.field_id: member.source_id
            for member in spec.fields
            if isinstance(member.transform, IdentityTransform)
        }
        for spec in metadata.partition_specs
    }
