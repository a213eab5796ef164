"""From bytes to the row of a table."""

import pytest

from flightlake._proto import Flight_pb2, FlightSql_pb2
from flightlake.commands.command import Action, Command, Upload
from flightlake.errors import InvalidRequest, Unsupported
from flightlake.flightsql.messages import pack
from flightlake.server.dispatch import Tables, command_in, describe

QUERY = FlightSql_pb2.CommandStatementQuery
UPDATE = FlightSql_pb2.CommandStatementUpdate
INGEST = FlightSql_pb2.CommandStatementIngest
ROW = Command(QUERY, None, None)
UPLOAD = Upload(UPDATE, lambda *_: iter(()))
ACTION = Action("Echo", "answers", lambda *_: iter(()))
TABLES = Tables(
    {QUERY: ROW}, {UPDATE: UPLOAD}, {"Echo": ACTION}, {INGEST: "not yet: use X", "Begin": "do Y"}
)


def test_a_row_is_found_by_its_message():
    assert TABLES.command(QUERY()) is ROW
    assert TABLES.upload(UPDATE()) is UPLOAD
    assert TABLES.action("Echo") is ACTION


@pytest.mark.parametrize(
    ("look_up", "sentence"),
    [
        (lambda: TABLES.command(INGEST()), "not yet: use X"),
        (lambda: TABLES.upload(INGEST()), "not yet: use X"),
        (lambda: TABLES.action("Begin"), "do Y"),
        (lambda: TABLES.command(UPDATE()), "CommandStatementUpdate cannot be queried"),
        (lambda: TABLES.upload(QUERY()), "CommandStatementQuery takes no upload"),
        (lambda: TABLES.action("Nope"), "no action 'Nope': ListActions names all"),
        (lambda: TABLES.action("\n" * 1000), "ListActions names all"),
    ],
)
def test_what_has_no_row_is_unsupported_with_a_sentence(look_up, sentence):
    with pytest.raises(Unsupported, match=sentence) as caught:
        look_up()
    assert len(caught.value.message) < 600


def test_the_command_of_a_descriptor_is_unpacked():
    descriptor = Flight_pb2.FlightDescriptor(type="CMD", cmd=pack(QUERY(query="SELECT 1")))
    assert command_in(descriptor) == QUERY(query="SELECT 1")


def test_the_type_of_a_descriptor_may_be_left_out():
    assert command_in(Flight_pb2.FlightDescriptor(cmd=pack(QUERY()))) == QUERY()


def test_a_path_is_no_command():
    with pytest.raises(InvalidRequest, match="descriptor is a path"):
        command_in(Flight_pb2.FlightDescriptor(type="PATH", path=["a"]))


def test_what_is_only_a_ticket_is_not_described():
    with pytest.raises(InvalidRequest, match="belongs in a ticket"):
        describe(ROW, QUERY(), None)
