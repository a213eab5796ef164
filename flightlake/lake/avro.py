"""Avro container files, taken apart strictly: a file that is cut short is an error.

Source: Apache Avro specification, "Object Container Files".
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_MAGIC = b"Obj\x01"
_SYNC = 16
_LONGEST = 10  # bytes of a 64-bit number
_CHECKSUM = 4
_DENSEST = 64  # bytes that Snappy makes of one, at most


class Malformed(ValueError):
    """Bytes that are not what their schema says.  Stays within ``lake``."""


@dataclass(frozen=True, slots=True)
class Container:
    """The records of a file, one behind the other.

    ``metadata`` is the file's; ``schema`` its schema, JSON.  ``counts`` and ``sizes`` are the
    records and bytes (decompressed) of each block of ``payload``.
    """

    metadata: Mapping[str, bytes]
    schema: bytes
    payload: bytes
    counts: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]


def opened(content: bytes) -> Container:
    """Return what is in an Avro file.

    Raises:
        Malformed: It is none, is cut short, or has something behind its end.
    """
    if content[:4] != _MAGIC:
        raise Malformed("not an Avro file")
    metadata, at = _metadata(content, 4)
    sync, at = _bytes(content, at, _SYNC)
    if "avro.schema" not in metadata:
        raise Malformed("no schema")
    decompress = _CODECS.get(metadata.get("avro.codec", b"null").decode("ascii", "replace"))
    if decompress is None:
        raise Malformed("an unknown codec")
    blocks, counts = [], []
    while at < len(content):
        count, at = number_at(content, at)
        size, at = number_at(content, at)
        block, at = _bytes(content, at, size)
        mark, at = _bytes(content, at, _SYNC)
        if mark != sync or count < 0:
            raise Malformed("a block that does not end where it should")
        blocks.append(decompress(block))
        counts.append(count)
    return Container(
        metadata,
        metadata["avro.schema"],
        b"".join(blocks),
        np.array(counts, np.int64),
        np.array([len(block) for block in blocks], np.int64),
    )


def end_to_end(containers: Sequence[Container]) -> Container:
    """Return files of one schema as one."""
    if len(containers) == 1:
        return containers[0]
    return Container(
        containers[0].metadata,
        containers[0].schema,
        b"".join(container.payload for container in containers),
        np.concatenate([container.counts for container in containers]),
        np.concatenate([container.sizes for container in containers]),
    )


def in_pieces(container: Container, size: int) -> list[Container]:
    """Return *container* as several, of whole blocks and no more than *size* bytes if possible."""
    if len(container.payload) <= size:
        return [container]
    pieces, ends = [], np.cumsum(container.sizes)
    first, start = 0, 0
    while first < len(ends):
        last = max(first + 1, int(np.searchsorted(ends, start + size, "right")))
        end = int(ends[last - 1])
        pieces.append(
            Container(
                container.metadata,
                container.schema,
                container.payload[start:end],
                container.counts[first:last],
                container.sizes[first:last],
            )
        )
        first, start = last, end
    return pieces


def number_at(content: bytes, at: int) -> tuple[int, int]:
    """Return the number (int, long) encoded at *at*, and where the next thing is.

    Raises:
        Malformed: It does not end.
    """
    raw = shift = 0
    for place in range(at, min(at + _LONGEST, len(content))):
        byte = content[place]
        raw |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (raw >> 1) ^ -(raw & 1), place + 1
        shift += 7
    raise Malformed("a number that does not end")


def _bytes(content: bytes, at: int, size: int) -> tuple[bytes, int]:
    if size < 0 or at + size > len(content):
        raise Malformed("cut short")
    return content[at : at + size], at + size


def _metadata(content: bytes, at: int) -> tuple[dict[str, bytes], int]:
    found: dict[str, bytes] = {}
    while True:
        count, at = number_at(content, at)
        if count == 0:
            return found, at
        if count < 0:
            count = -count
            _, at = number_at(content, at)
        for _ in range(count):
            size, at = number_at(content, at)
            key, at = _bytes(content, at, size)
            size, at = number_at(content, at)
            found[key.decode()], at = _bytes(content, at, size)


def _deflate(block: bytes) -> bytes:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = stream.decompress(block) + stream.flush()
    except zlib.error as broken:
        raise Malformed("a block that cannot be decompressed") from broken
    # pyiceberg leaves most of zlib's checksum behind the deflated bytes.
    if not stream.eof or len(stream.unused_data) > _CHECKSUM:
        raise Malformed("a block that is cut short")
    return plain


def _snappy(block: bytes) -> bytes:
    if len(block) < 4:
        raise Malformed("a block that is cut short")
    packed, check = block[:-4], int.from_bytes(block[-4:], "big")
    # Snappy begins with the size of what comes out: seven bits to a byte, like our numbers.
    size = sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(_until_end(packed)))
    if size > _DENSEST * len(packed):  # before that much memory is asked for
        raise Malformed("a block that cannot be decompressed")
    try:
        plain: bytes = pa.Codec("snappy").decompress(packed, size, asbytes=True)
    except (pa.ArrowException, OSError) as broken:
        raise Malformed("a block that cannot be decompressed") from broken
    if zlib.crc32(plain) != check:
        raise Malformed("a block whose check does not hold")
    return plain


def _until_end(packed: bytes) -> bytes:
    for place, byte in enumerate(packed[:5]):
        if byte < 0x80:
            return packed[: place + 1]
    raise Malformed("a block without a size")


def _zstandard(block: bytes) -> bytes:
    try:
        with pa.CompressedInputStream(pa.BufferReader(block), "zstd") as stream:
            plain: bytes = stream.read()
    except (pa.ArrowException, OSError) as broken:
        raise Malformed("a block that cannot be decompressed") from broken
    return plain


def _by(decompress: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def translated(block: bytes) -> bytes:
        try:
            return decompress(block)
        except (OSError, ValueError, EOFError, lzma.LZMAError) as broken:
            raise Malformed("a block that cannot be decompressed") from broken

    return translated


_CODECS: Mapping[str, Callable[[bytes], bytes]] = {
    "null": lambda block: block,
    "deflate": _deflate,
    "snappy": _snappy,
    "zstandard": _zstandard,
    "bzip2": _by(bz2.decompress),
    "xz": _by(lzma.decompress),
}
