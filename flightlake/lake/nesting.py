"""How nested values of a file become those of the table, where a cast does not say it.

A shape follows the type in the table and says for each part where the file has it.
"""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Kept:
    """As it is in the file, or what is had from it by casting to ``type``."""

    type: pa.DataType | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a struct: called ``name`` in the table and ``stored`` in the file.

    Where the file does not have it, ``stored`` is None and ``absent`` stands for it: a scalar
    of a primitive type, or None for null.
    """

    name: str
    stored: str | None
    shape: "Shape"
    absent: pa.Scalar | None = None


@dataclass(frozen=True, slots=True)
class StructOf:
    """A struct of ``members``, in the order of the table; null where the file's struct is."""

    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of ``element``; null where the file's list is, empty where it is empty."""

    element: "Shape"


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map of ``key`` to ``value``; null where the file's map is, empty where it is empty."""

    key: "Shape"
    value: "Shape"


Shape = Kept | StructOf | ListOf | MapOf

KEPT = Kept()


@dataclass(frozen=True, slots=True)
class Reshaped:
    """A nested column that is scanned with the type ``scanned`` and made from that by ``shape``."""

    scanned: pa.DataType
    shape: Shape
