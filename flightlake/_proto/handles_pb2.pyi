# mypy: disable-error-code="type-arg"
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SealedHandle(_message.Message):
    __slots__ = ("key_id", "purpose", "expires_at_ms", "payload")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_MS_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    purpose: str
    expires_at_ms: int
    payload: bytes
    def __init__(self, key_id: _Optional[str] = ..., purpose: _Optional[str] = ..., expires_at_ms: _Optional[int] = ..., payload: _Optional[bytes] = ...) -> None: ...

class Pin(_message.Message):
    __slots__ = ("catalog", "db_schema", "table", "snapshot_id", "schema_id", "uuid")
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    DB_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_ID_FIELD_NUMBER: _ClassVar[int]
    UUID_FIELD_NUMBER: _ClassVar[int]
    catalog: str
    db_schema: str
    table: str
    snapshot_id: int
    schema_id: int
    uuid: str
    def __init__(self, catalog: _Optional[str] = ..., db_schema: _Optional[str] = ..., table: _Optional[str] = ..., snapshot_id: _Optional[int] = ..., schema_id: _Optional[int] = ..., uuid: _Optional[str] = ...) -> None: ...

class Statement(_message.Message):
    __slots__ = ("id", "sql", "catalog", "db_schema", "subject", "session_id", "pins", "parameters", "moment_us", "branch")
    ID_FIELD_NUMBER: _ClassVar[int]
    SQL_FIELD_NUMBER: _ClassVar[int]
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    DB_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PINS_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    MOMENT_US_FIELD_NUMBER: _ClassVar[int]
    BRANCH_FIELD_NUMBER: _ClassVar[int]
    id: str
    sql: str
    catalog: str
    db_schema: str
    subject: str
    session_id: str
    pins: _containers.RepeatedCompositeFieldContainer[Pin]
    parameters: bytes
    moment_us: int
    branch: str
    def __init__(self, id: _Optional[str] = ..., sql: _Optional[str] = ..., catalog: _Optional[str] = ..., db_schema: _Optional[str] = ..., subject: _Optional[str] = ..., session_id: _Optional[str] = ..., pins: _Optional[_Iterable[_Union[Pin, _Mapping]]] = ..., parameters: _Optional[bytes] = ..., moment_us: _Optional[int] = ..., branch: _Optional[str] = ...) -> None: ...

class PreparedStatement(_message.Message):
    __slots__ = ("statement", "parameter_schema")
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    statement: Statement
    parameter_schema: bytes
    def __init__(self, statement: _Optional[_Union[Statement, _Mapping]] = ..., parameter_schema: _Optional[bytes] = ...) -> None: ...
