# mypy: disable-error-code="type-arg"
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LogicalPlanNode(_message.Message):
    __slots__ = ("listing_scan",)
    LISTING_SCAN_FIELD_NUMBER: _ClassVar[int]
    listing_scan: ListingTableScanNode
    def __init__(self, listing_scan: _Optional[_Union[ListingTableScanNode, _Mapping]] = ...) -> None: ...

class ListingTableScanNode(_message.Message):
    __slots__ = ("paths", "file_extension")
    PATHS_FIELD_NUMBER: _ClassVar[int]
    FILE_EXTENSION_FIELD_NUMBER: _ClassVar[int]
    paths: _containers.RepeatedScalarFieldContainer[str]
    file_extension: str
    def __init__(self, paths: _Optional[_Iterable[str]] = ..., file_extension: _Optional[str] = ...) -> None: ...
