"""Fixtures of the gate tests."""

from pathlib import Path

import pytest

from flightlake.auth.foreign import ForeignTokens, TrustedIssuer
from flightlake.auth.gate import CredentialGate
from flightlake.auth.jwks import FileKeys
from tests.fix_auth import ISSUER, Door, public_pem, rsa_key


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


@pytest.fixture
def gate(door: Door) -> CredentialGate:
    return door.gate()


@pytest.fixture
def open_to_others(door: Door, tmp_path: Path) -> CredentialGate:
    (tmp_path / "idp.pem").write_bytes(public_pem(rsa_key()))
    issuer = TrustedIssuer(ISSUER, "flightlake", FileKeys(tmp_path / "idp.pem"))
    return door.gate(foreign=ForeignTokens([issuer], clock=door.clock))
