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
    __slots__ = ("paths", "file_extension", "table_name")
    PATHS_FIELD_NUMBER: _ClassVar[int]
    FILE_EXTENSION_FIELD_NUMBER: _ClassVar[int]
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    paths: _containers.RepeatedScalarFieldContainer[str]
    file_extension: str
    table_name: TableReference
    def __init__(self, paths: _Optional[_Iterable[str]] = ..., file_extension: _Optional[str] = ..., table_name: _Optional[_Union[TableReference, _Mapping]] = ...) -> None: ...

class TableReference(_message.Message):
    __slots__ = ("bare", "full")
    BARE_FIELD_NUMBER: _ClassVar[int]
    FULL_FIELD_NUMBER: _ClassVar[int]
    bare: BareTableReference
    full: FullTableReference
    def __init__(self, bare: _Optional[_Union[BareTableReference, _Mapping]] = ..., full: _Optional[_Union[FullTableReference, _Mapping]] = ...) -> None: ...

class BareTableReference(_message.Message):
    __slots__ = ("table",)
    TABLE_FIELD_NUMBER: _ClassVar[int]
    table: str
    def __init__(self, table: _Optional[str] = ...) -> None: ...

class FullTableReference(_message.Message):
    __slots__ = ("catalog", "schema", "table")
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    catalog: str
    schema: str
    table: str
    def __init__(self, catalog: _Optional[str] = ..., schema: _Optional[str] = ..., table: _Optional[str] = ...) -> None: ...

class PhysicalPlanNode(_message.Message):
    __slots__ = ("parquet_scan",)
    PARQUET_SCAN_FIELD_NUMBER: _ClassVar[int]
    parquet_scan: ParquetScanExecNode
    def __init__(self, parquet_scan: _Optional[_Union[ParquetScanExecNode, _Mapping]] = ...) -> None: ...

class ParquetScanExecNode(_message.Message):
    __slots__ = ("base_conf",)
    BASE_CONF_FIELD_NUMBER: _ClassVar[int]
    base_conf: FileScanExecConf
    def __init__(self, base_conf: _Optional[_Union[FileScanExecConf, _Mapping]] = ...) -> None: ...

class FileScanExecConf(_message.Message):
    __slots__ = ("file_groups", "object_store_url")
    FILE_GROUPS_FIELD_NUMBER: _ClassVar[int]
    OBJECT_STORE_URL_FIELD_NUMBER: _ClassVar[int]
    file_groups: _containers.RepeatedCompositeFieldContainer[FileGroup]
    object_store_url: str
    def __init__(self, file_groups: _Optional[_Iterable[_Union[FileGroup, _Mapping]]] = ..., object_store_url: _Optional[str] = ...) -> None: ...

class FileGroup(_message.Message):
    __slots__ = ("files",)
    FILES_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[PartitionedFile]
    def __init__(self, files: _Optional[_Iterable[_Union[PartitionedFile, _Mapping]]] = ...) -> None: ...

class PartitionedFile(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...
