"""Certificates from files."""

import os
from datetime import UTC, datetime

import pytest

from flightlake.errors import PreconditionFailed
from flightlake.server.self_signed import self_signed
from flightlake.server.tls import CertificateFiles, read_pair

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def pairs(tmp_path):
    """Two different key pairs."""
    return [self_signed(tmp_path / name, NOW).current for name in ("one", "two")]


@pytest.fixture
def files(tmp_path, pairs):
    write(tmp_path, pairs[0].certificates, pairs[0].key)
    return CertificateFiles(tmp_path / "server.crt", tmp_path / "server.key")


def write(directory, certificate=None, key=None):
    for name, content in (("server.crt", certificate), ("server.key", key)):
        if content is not None:
            new = directory / f"{name}.new"
            new.write_bytes(content)
            os.replace(new, directory / name)


def test_unchanged_files_are_not_read_again(files, pairs):
    assert files.refresh() is False
    assert files.current == pairs[0]


def test_a_new_pair_is_taken(files, pairs, tmp_path):
    write(tmp_path, pairs[1].certificates, pairs[1].key)
    assert files.refresh() is True
    assert files.current == pairs[1]
    assert files.refresh() is False


def test_a_half_replaced_pair_waits_for_the_other_half(files, pairs, tmp_path):
    write(tmp_path, certificate=pairs[1].certificates)
    assert files.refresh() is False
    assert files.current == pairs[0]
    write(tmp_path, key=pairs[1].key)
    assert files.refresh() is True
    assert files.current == pairs[1]


def test_files_that_vanish_leave_the_last_good_pair(files, pairs, tmp_path):
    (tmp_path / "server.crt").unlink()
    assert files.refresh() is False
    assert files.current == pairs[0]


@pytest.mark.parametrize(
    ("certificate", "key", "sentence"),
    [
        (None, b"", "cannot be read"),
        (b"no PEM", b"no PEM", "not PEM"),
        (b"", b"", "not PEM"),
    ],
    ids=["missing", "not PEM", "empty"],
)
def test_unusable_files_stop_the_start(tmp_path, certificate, key, sentence):
    write(tmp_path, certificate, key)
    with pytest.raises(PreconditionFailed, match=sentence) as caught:
        CertificateFiles(tmp_path / "server.crt", tmp_path / "server.key")
    assert str(tmp_path) not in caught.value.message


def test_a_key_of_another_certificate_is_refused(tmp_path, pairs):
    write(tmp_path, pairs[0].certificates, pairs[1].key)
    with pytest.raises(PreconditionFailed, match="does not belong"):
        read_pair(tmp_path / "server.crt", tmp_path / "server.key")
