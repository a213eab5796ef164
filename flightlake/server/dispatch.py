"""From the bytes of a descriptor, ticket or action to the row of a table that serves it."""

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.message import Message

from flightlake._proto import Flight_pb2
from flightlake.commands.command import Action, Call, Command, Described, Upload
from flightlake.errors import InvalidRequest, Unsupported
from flightlake.flightsql.messages import parse, unpack


@dataclass(frozen=True, slots=True)
class Tables:
    """All that the server does.

    ``refused`` says for a message type or an action type why it is not served and what to do
    instead.
    """

    commands: Mapping[type[Message], Command]
    uploads: Mapping[type[Message], Upload]
    actions: Mapping[str, Action]
    refused: Mapping[type[Message] | str, str]

    def command(self, message: Message) -> Command:
        """Return the row that describes and reads *message*."""
        found = self.commands.get(type(message))
        if found is None:
            raise self._refusal(type(message), "cannot be queried")
        return found

    def upload(self, message: Message) -> Upload:
        """Return the row that takes uploads for *message*."""
        found = self.uploads.get(type(message))
        if found is None:
            raise self._refusal(type(message), "takes no upload (DoPut)")
        return found

    def action(self, type_name: str) -> Action:
        """Return the row of the action *type_name*."""
        found = self.actions.get(type_name)
        if found is None:
            refusal = self.refused.get(type_name)
            raise Unsupported(
                refusal or f"there is no action {type_name[:100]!r}: ListActions names all"
            )
        return found

    def _refusal(self, message_type: type[Message], why: str) -> Unsupported:
        sentence = self.refused.get(message_type)
        return Unsupported(sentence or f"a {message_type.__name__} {why} on this server")


def command_in(descriptor: Flight_pb2.FlightDescriptor) -> Message:
    """Return the Flight SQL command that *descriptor* holds.

    Raises:
        InvalidRequest: It holds a path, or no command.
        Unsupported: The command is of no Flight SQL type.
    """
    if descriptor.type == Flight_pb2.FlightDescriptor.PATH or descriptor.path:
        raise InvalidRequest(
            "the descriptor is a path: Flight SQL commands come in descriptors of type CMD"
        )
    return unpack(descriptor.cmd, "command")


def describe(command: Command, message: Message, call: Call) -> Described:
    """Return what GetFlightInfo and GetSchema answer for *message*."""
    if command.describe is None:
        raise InvalidRequest(
            f"a {type(message).__name__} belongs in a ticket (DoGet), not in a descriptor"
        )
    return command.describe(message, call)


def parse_descriptor(data: bytes) -> Flight_pb2.FlightDescriptor:
    """Return the serialised descriptor in *data*."""
    return parse(data, Flight_pb2.FlightDescriptor, "descriptor")
