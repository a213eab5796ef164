"""Manifests and their lists as pyiceberg writes them, without working their Avro schema out anew.

What an entry looks like in Avro follows from the types of the partition values alone, and that
is the same from commit to commit.  The library makes it again for each file, and finds its way
through it again: two thirds of what a small manifest costs.  What is encoded, and how, stays its.

Source: Iceberg spec, "Manifests", "Manifest Lists", appendix A "Avro".
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pyiceberg.avro.codecs import AVRO_CODEC_KEY
from pyiceberg.avro.file import MAGIC, META_SCHEMA, AvroFileHeader, AvroOutputFile
from pyiceberg.avro.resolver import construct_writer, resolve_writer
from pyiceberg.avro.writer import Writer
from pyiceberg.io import OutputFile
from pyiceberg.manifest import (
    DEFAULT_READ_VERSION,
    MANIFEST_LIST_FILE_SCHEMAS,
    ManifestEntry,
    ManifestFile,
    ManifestListWriterV2,
    ManifestWriterV2,
    data_file_with_partition,
    manifest_entry_schema_with_data_file,
)
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.types import StructType
from pyiceberg.utils.schema_conversion import AvroSchemaConversion

from flightlake.lake.bounded_cache import BoundedCache

_CODEC: Literal["deflate"] = "deflate"
_FORMS = 256


@dataclass(frozen=True, slots=True)
class _Form:
    """How records of one kind are written: ``schema`` is that of Avro, as JSON."""

    schema: str
    writer: Writer


class Manifest(ManifestWriterV2):
    """Writes a manifest of data files, format version 2; used once, as a context.

    Args:
        spec: How the files are cut.
        schema: The columns of the table.
        file: Where it is written, once it is complete.
        snapshot_id: The snapshot that it is for.
    """

    def __init__(
        self, spec: PartitionSpec, schema: Schema, file: OutputFile, snapshot_id: int
    ) -> None:
        super().__init__(spec, schema, file, snapshot_id, _CODEC)

    def new_writer(self) -> AvroOutputFile[ManifestEntry]:
        form = _form_of_entries(self._spec.partition_type(self._schema))
        return _Output(self._output_file, form, self._meta)


def write_list(
    file: OutputFile,
    snapshot_id: int,
    parent_id: int | None,
    sequence: int,
    manifests: Sequence[ManifestFile],
) -> tuple[ManifestFile, ...]:
    """Write the list of *manifests* of a snapshot, format version 2; return them as listed.

    Those that were written for this snapshot get its sequence number.
    """
    writer = _List(file, snapshot_id, parent_id, sequence, _CODEC)
    listed = [writer.prepare_manifest(manifest) for manifest in manifests]
    with writer:
        writer.add_manifests(listed)
    return tuple(listed)


class _List(ManifestListWriterV2):
    def __enter__(self) -> "_List":
        self._writer = _Output(self._output_file, _form_of_lists(), self._meta)
        self._writer.__enter__()
        return self


class _Output(AvroOutputFile[Any]):
    """An Avro file whose form is known."""

    def __init__(self, file: OutputFile, form: _Form, metadata: dict[str, str]) -> None:
        super().__init__(file, _NOTHING, "", metadata=metadata)
        self.writer = form.writer
        self._schema = form.schema

    def _write_header(self) -> None:
        # The codec has the same name for Avro.
        told = {**self.metadata, "avro.schema": self._schema, AVRO_CODEC_KEY: _CODEC}
        _header_writer().write(self.encoder, AvroFileHeader(MAGIC, told, self.sync_bytes))


_NOTHING = Schema()
_entries: BoundedCache[tuple[tuple[int, str, str, bool], ...], _Form] = BoundedCache(_FORMS)


def _form_of_entries(partition: StructType) -> _Form:
    key = tuple(
        (field.field_id, field.name, str(field.field_type), field.required)
        for field in partition.fields
    )

    def make() -> tuple[_Form, int]:
        given = _entry(partition, DEFAULT_READ_VERSION)
        return _form(_entry(partition, 2), given, "manifest_entry"), 1

    return _entries.get_or_make(key, make)


def _entry(partition: StructType, version: Literal[1, 2, 3]) -> Schema:
    data_file = data_file_with_partition(partition, version)
    return manifest_entry_schema_with_data_file(version, data_file)


@cache
def _form_of_lists() -> _Form:
    schemas = MANIFEST_LIST_FILE_SCHEMAS
    return _form(schemas[2], schemas[DEFAULT_READ_VERSION], "manifest_file")


def _form(written: Schema, given: Schema, name: str) -> _Form:
    schema = AvroSchemaConversion().iceberg_to_avro(written, schema_name=name)
    return _Form(json.dumps(schema), resolve_writer(record_schema=given, file_schema=written))


@cache
def _header_writer() -> Writer:
    return construct_writer(META_SCHEMA)
