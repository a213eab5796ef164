"""The positions that delete files and deletion vectors hold.

Source: Iceberg spec, "Position Delete Files"; Puffin spec, ``deletion-vector-v1``.
"""

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyroaring import BitMap64

from flightlake.errors import DamagedData
from flightlake.lake import blobs
from flightlake.lake.bounded_cache import BoundedCache
from flightlake.lake.deletes import DeleteFile
from flightlake.lake.stores import StoreSettings

_PATH_ID, _POS_ID = 2147483546, 2147483545
_VECTOR_MAGIC = 1681511377  # D1 D3 39 64, least byte first
_FIELD_ID = b"PARQUET:field_id"

Positions = npt.NDArray[np.int64]
Place = tuple[str, str, str]


class DeletedRows:
    """Reads delete files once, while there is room.  Thread-safe.

    Args:
        max_bytes: What decoded positions may take.
    """

    def __init__(self, max_bytes: int) -> None:
        self._files: BoundedCache[tuple[object, str], dict[str, Positions]] = BoundedCache(
            max_bytes
        )
        self._vectors: BoundedCache[tuple[object, str, int], Positions] = BoundedCache(max_bytes)

    def of(
        self, store: StoreSettings, path: str, deletes: Sequence[DeleteFile], table: str
    ) -> pa.Array:
        """Return the positions that *deletes* delete in the data file at *path*: int64, sorted.

        Raises:
            DamagedData: A delete file is missing or broken.
            NotReady: The store does not answer.
        """
        found = [
            self._vector(store, delete, table)
            if delete.blob is not None
            else self._positions(store, delete, table).get(path)
            for delete in deletes
        ]
        known = [positions for positions in found if positions is not None]
        if not known:
            return pa.array([], pa.int64())
        return pa.array(np.unique(np.concatenate(known)))

    def _positions(
        self, store: StoreSettings, delete: DeleteFile, table: str
    ) -> dict[str, Positions]:
        def make() -> tuple[dict[str, Positions], int]:
            made = _read_positions(store, delete, table)
            return made, sum(len(path) + 200 + rows.nbytes for path, rows in made.items()) + 100

        return self._files.get_or_make((store.place, delete.path), make)

    def _vector(self, store: StoreSettings, delete: DeleteFile, table: str) -> Positions:
        offset, size = delete.blob or (0, 0)

        def make() -> tuple[Positions, int]:
            made = _read_vector(store, delete, offset, size, table)
            return made, made.nbytes + 200

        return self._vectors.get_or_make((store.place, delete.path, offset), make)


def _read_positions(store: StoreSettings, delete: DeleteFile, table: str) -> dict[str, Positions]:
    subject = f"a position delete file of table {table}"
    content = blobs.read(store, delete.path, subject)
    try:
        names = _names(pq.read_schema(pa.BufferReader(content)))
        rows = pq.ParquetFile(pa.BufferReader(content), read_dictionary=[names[_PATH_ID]]).read(
            columns=[names[_PATH_ID], names[_POS_ID]]
        )
        paths = rows[names[_PATH_ID]].unify_dictionaries().combine_chunks()
        if not pa.types.is_dictionary(paths.type):
            paths = paths.cast(pa.string()).dictionary_encode()
        places = rows[names[_POS_ID]].combine_chunks().cast(pa.int64())
    except (pa.ArrowException, OSError, KeyError) as broken:
        raise DamagedData(f"{subject} is broken") from broken
    positions = np.asarray(places.fill_null(-1))
    if len(places) != delete.record_count or paths.null_count or places.null_count:
        raise DamagedData(f"{subject} does not have the rows its manifest says")
    codes = np.asarray(paths.indices)
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(paths.dictionary) + 1))
    return {
        name: positions[order[starts[code] : starts[code + 1]]]
        for code, name in enumerate(paths.dictionary.to_pylist())
    }


def _names(schema: pa.Schema) -> dict[int, str]:
    """Return the names of the two columns by field id, or as the specification has them."""
    names = {_PATH_ID: "file_path", _POS_ID: "pos"}
    for member in schema:
        told = (member.metadata or {}).get(_FIELD_ID)
        if told is not None and int(told) in names:
            names[int(told)] = member.name
    return names


def _read_vector(
    store: StoreSettings, delete: DeleteFile, offset: int, size: int, table: str
) -> Positions:
    subject = f"a deletion vector of table {table}"
    content = blobs.read_range(store, delete.path, offset, size, subject)
    length = int.from_bytes(content[:4], "big")
    payload, check = content[4 : 4 + length], content[4 + length :]
    if (
        len(content) != size
        or len(check) != 4
        or int.from_bytes(payload[:4], "little") != _VECTOR_MAGIC
        or int.from_bytes(check, "big") != zlib.crc32(payload)
    ):
        raise DamagedData(f"{subject} is broken")
    try:
        positions = np.asarray(BitMap64.deserialize(payload[4:]).to_array(), np.uint64)
    except (ValueError, RuntimeError) as broken:
        raise DamagedData(f"{subject} is broken") from broken
    if len(positions) != delete.record_count:
        raise DamagedData(f"{subject} does not have the rows its manifest says")
    return positions.astype(np.int64)
