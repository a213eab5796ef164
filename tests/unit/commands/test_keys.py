"""The four key commands."""

import pytest
from google.protobuf.message import Message

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.errors import InvalidRequest
from flightlake.flightsql import schemas
from tests.fix_commands import answer, call_on


@pytest.mark.parametrize(
    "message",
    [
        pb.CommandGetExportedKeys(table="orders"),
        pb.CommandGetImportedKeys(catalog="lake", db_schema="sales", table="orders"),
        pb.CommandGetCrossReference(pk_table="customers", fk_table="orders"),
    ],
)
def test_there_are_no_foreign_keys(message: Message) -> None:
    table = answer(message, call_on())
    assert table.schema == schemas.FOREIGN_KEYS
    assert table.num_rows == 0


def test_there_are_no_primary_keys() -> None:
    table = answer(pb.CommandGetPrimaryKeys(table="orders"), call_on())
    assert table.schema == schemas.PRIMARY_KEYS
    assert table.num_rows == 0


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (pb.CommandGetPrimaryKeys(), "table"),
        (pb.CommandGetCrossReference(pk_table="customers"), "fk_table"),
        (pb.CommandGetCrossReference(fk_table="orders"), "pk_table"),
    ],
)
def test_a_command_without_its_table_is_invalid(message: Message, field: str) -> None:
    with pytest.raises(InvalidRequest, match=f"names no table; set its field '{field}'"):
        answer(message, call_on())
