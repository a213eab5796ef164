"""The certificate that the server makes for itself."""

import socket
import stat
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509

from flightlake.errors import PreconditionFailed
from flightlake.server.self_signed import LIFETIME, RENEW_BEFORE, certificate_file, self_signed

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def leaf(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


def test_it_is_for_this_machine_and_the_names_given(tmp_path):
    certificate = leaf(
        self_signed(tmp_path, NOW, ("lake.example", "10.0.0.7")).current.certificates
    )
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"localhost", socket.gethostname(), "lake.example"} <= set(
        names.get_values_for_type(x509.DNSName)
    )
    assert set(names.get_values_for_type(x509.IPAddress)) == {
        ip_address(text) for text in ("127.0.0.1", "::1", "10.0.0.7")
    }


def test_the_next_start_has_the_same_certificate(tmp_path):
    first = self_signed(tmp_path, NOW).current
    assert self_signed(tmp_path, NOW + timedelta(days=100)).current == first


def test_it_is_renewed_before_it_ends(tmp_path):
    first = self_signed(tmp_path, NOW).current
    later = NOW + LIFETIME - RENEW_BEFORE + timedelta(days=1)
    second = self_signed(tmp_path, later).current
    assert second != first
    assert leaf(second.certificates).not_valid_after_utc == later + LIFETIME


def test_it_is_renewed_for_a_new_name(tmp_path):
    first = self_signed(tmp_path, NOW).current
    second = self_signed(tmp_path, NOW, ("lake.example",)).current
    assert second != first
    assert self_signed(tmp_path, NOW, ("lake.example",)).current == second


def test_a_damaged_file_is_replaced(tmp_path):
    self_signed(tmp_path, NOW)
    (tmp_path / "self-signed.pem").write_text("garbage")
    assert leaf(self_signed(tmp_path, NOW).current.certificates)


def test_a_server_that_runs_sees_a_renewal(tmp_path):
    running = self_signed(tmp_path, NOW)
    renewed = self_signed(tmp_path, NOW + LIFETIME).current
    assert running.refresh() is True
    assert running.current == renewed


def test_only_the_owner_can_read_the_key(tmp_path):
    self_signed(tmp_path / "state", NOW)
    holding_key = [
        file for file in (tmp_path / "state").iterdir() if b"PRIVATE KEY" in file.read_bytes()
    ]
    assert [stat.S_IMODE(file.stat().st_mode) for file in holding_key] == [0o600]


def test_clients_get_the_certificate_without_the_key(tmp_path):
    pair = self_signed(tmp_path, NOW).current
    public = certificate_file(tmp_path).read_bytes()
    assert leaf(public) == leaf(pair.certificates)
    assert b"PRIVATE" not in public


def test_a_state_directory_that_cannot_be_written_is_named_by_its_setting(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PreconditionFailed, match="state directory cannot be written"):
        self_signed(tmp_path / "file" / "state", NOW)
