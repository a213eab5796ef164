"""Signing keys for tests: a real key ring that lives in memory."""

from dataclasses import dataclass, field
from datetime import datetime

from flightlake.auth.keys import Key

FIRST = Key("first", b"1" * 32)
SECOND = Key("second", b"2" * 32)


@dataclass
class Ring:
    """Signs with the last of *keys*; keeps all."""

    keys: list[Key] = field(default_factory=lambda: [FIRST])

    def signing_key(self, until: datetime) -> Key:
        return self.keys[-1]

    def by_id(self, key_id: str) -> Key | None:
        return next((key for key in self.keys if key.id == key_id), None)
