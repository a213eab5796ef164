"""Tables made by hand, file by file: data files and row-level deletes of every kind."""

import json
import struct
import uuid
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.typedef import Record
from pyroaring import BitMap64

from tests.fix_table_document import TableDocument

PATH_ID, POS_ID = 2147483546, 2147483545


def entry(
    path: str,
    rows: int,
    size: int,
    content: DataFileContent = DataFileContent.DATA,
    partition: Sequence[Any] = (),
    format_: FileFormat = FileFormat.PARQUET,
    **more: Any,
) -> DataFile:
    """Return an entry with the fields of version 3."""
    return DataFile.from_args(
        _table_format_version=3,
        content=content,
        file_path=path,
        file_format=format_,
        partition=Record(*partition),
        record_count=rows,
        file_size_in_bytes=size,
        **more,
    )


def vector_blob(positions: Sequence[int]) -> bytes:
    """Return a ``deletion-vector-v1`` blob, as the Puffin specification has it."""
    payload = struct.pack("<I", 1681511377) + BitMap64(positions).serialize()
    return struct.pack(">I", len(payload)) + payload + struct.pack(">I", zlib.crc32(payload))


def puffin(blobs: Sequence[bytes]) -> tuple[bytes, list[int]]:
    """Return a Puffin file of *blobs*, and where each begins."""
    content, offsets = b"PFA1", []
    for blob in blobs:
        offsets.append(len(content))
        content += blob
    footer = json.dumps({"blobs": []}).encode()
    content += b"PFA1" + footer + struct.pack("<I", len(footer)) + bytes(4) + b"PFA1"
    return content, offsets


class HandMade(TableDocument):
    """A table made by hand, of data files and of delete files of every kind."""

    def write(self, data: pa.Table, name: str = "") -> tuple[str, int]:
        """Write a Parquet file; return its path and size."""
        written = pa.BufferOutputStream()
        pq.write_table(data, written)
        content = written.getvalue().to_pybytes()
        return self.put(name or f"{uuid.uuid4().hex}.parquet", content), len(content)

    def data(
        self, data: pa.Table, partition: Sequence[Any] = (), name: str = "", **how: Any
    ) -> str:
        """Commit a data file; return its path."""
        path, size = self.write(data, name)
        self.commit([entry(path, data.num_rows, size, partition=partition)], **how)
        return path

    def positions(
        self,
        deletes: Sequence[tuple[str, int]],
        partition: Sequence[Any] = (),
        *,
        referenced: str | None = None,
        bounds: bool = False,
        **how: Any,
    ) -> str:
        """Commit a position delete file of (path, row)."""
        schema = pa.schema(
            [
                pa.field("file_path", pa.string(), metadata={"PARQUET:field_id": str(PATH_ID)}),
                pa.field("pos", pa.int64(), metadata={"PARQUET:field_id": str(POS_ID)}),
            ]
        )
        rows = [{"file_path": path, "pos": row} for path, row in deletes]
        path, size = self.write(pa.Table.from_pylist(rows, schema), how.pop("name", ""))
        more: dict[str, Any] = {"referenced_data_file": referenced}
        if bounds:
            more["lower_bounds"] = {PATH_ID: min(path for path, _ in deletes).encode()}
            more["upper_bounds"] = {PATH_ID: max(path for path, _ in deletes).encode()}
        kind = DataFileContent.POSITION_DELETES
        self.commit([entry(path, len(rows), size, kind, partition, **more)], **how)
        return path

    def vectors(
        self, deletes: Mapping[str, Sequence[int]], partition: Sequence[Any] = (), **how: Any
    ) -> str:
        """Commit one Puffin file with a deletion vector for each data file."""
        blobs = [vector_blob(rows) for rows in deletes.values()]
        content, offsets = puffin(blobs)
        path = self.put(f"{uuid.uuid4().hex}.puffin", content)
        entries = [
            entry(
                path,
                len(set(rows)),
                len(content),
                DataFileContent.POSITION_DELETES,
                partition,
                FileFormat.PUFFIN,
                referenced_data_file=data_file,
                content_offset=offset,
                content_size_in_bytes=len(blob),
            )
            for (data_file, rows), blob, offset in zip(deletes.items(), blobs, offsets, strict=True)
        ]
        self.commit(entries, **how)
        return path

    def equality(
        self, data: pa.Table, ids: Sequence[int], partition: Sequence[Any] = (), **how: Any
    ) -> str:
        """Commit an equality delete file of the rows of *data*."""
        path, size = self.write(data)
        kind = DataFileContent.EQUALITY_DELETES
        self.commit(
            [entry(path, data.num_rows, size, kind, partition, equality_ids=list(ids))], **how
        )
        return path


def column(number: int, name: str, kind: Any, **more: Any) -> dict[str, Any]:
    """Return an optional column as metadata JSON has it."""
    return {"id": number, "name": name, "required": False, "type": kind, **more}


def identity(source: int, name: str) -> list[dict[str, Any]]:
    """Return a partition spec's only field, by the value of a column."""
    number = 1000 + source
    return [{"source-id": source, "field-id": number, "name": name, "transform": "identity"}]
