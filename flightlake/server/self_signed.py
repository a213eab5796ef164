"""A certificate of the server's own making, for the first day and for development."""

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from flightlake.errors import PreconditionFailed
from flightlake.server.tls import CertificateFiles, read_pair

LIFETIME = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)

_BOTH = "self-signed.pem"
_CERTIFICATE = "self-signed.crt"


def self_signed(directory: Path, now: datetime, names: tuple[str, ...] = ()) -> CertificateFiles:
    """Return the certificate kept in *directory*, made anew if missing or near its end.

    It is valid for ``localhost``, the loopback addresses, this machine's name and *names*.  The
    key and certificate are one file that only the owner can read, replaced in one step, so that
    several processes can share it; ``certificate_file`` has the copy for clients to trust.

    Raises:
        PreconditionFailed: The directory cannot be written.
    """
    wanted = _subject_names(names)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(directory / "self-signed.lock"):
            if not _is_good(directory / _BOTH, now, wanted):
                key, certificate = _generate(now, wanted)
                _replace(directory / _BOTH, key + certificate, 0o600)
                _replace(certificate_file(directory), certificate, 0o644)
    except OSError as error:
        raise PreconditionFailed(
            f"the state directory cannot be written ({error.strerror}): "
            "the self-signed certificate is kept there"
        ) from None
    return CertificateFiles(directory / _BOTH, directory / _BOTH)


def certificate_file(directory: Path) -> Path:
    """Return the file with the certificate that clients have to trust."""
    return directory / _CERTIFICATE


def _subject_names(names: tuple[str, ...]) -> tuple[str, ...]:
    ours = ("localhost", "127.0.0.1", "::1", socket.gethostname(), *names)
    return tuple(dict.fromkeys(name for name in ours if name))


def _is_good(file: Path, now: datetime, wanted: tuple[str, ...]) -> bool:
    try:
        pair = read_pair(file, file)
    except PreconditionFailed:
        return False
    certificate = x509.load_pem_x509_certificates(pair.certificates)[0]
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEW_BEFORE:
        return False
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(found) >= set(_general_names(wanted))


def _generate(now: datetime, names: tuple[str, ...]) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "flightlake (self-signed)")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks differ
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName(_general_names(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoded = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return encoded, certificate.public_bytes(Encoding.PEM)


def _general_names(names: tuple[str, ...]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ip_address(name)))
        except ValueError:
            # A host name of odd characters cannot stand in a certificate; nobody dials it.
            if name.isascii():
                found.append(x509.DNSName(name))
    return found


def _replace(file: Path, content: bytes, mode: int) -> None:
    new = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as written:
        written.write(content)
        written.flush()
        os.fsync(descriptor)
    new.replace(file)


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
