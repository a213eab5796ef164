"""The server's certificate: from files that may change, or one that it makes for itself."""

import threading
from dataclasses import dataclass
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from flightlake.errors import PreconditionFailed


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and its certificate chain, both PEM; the leaf comes first."""

    key: bytes
    certificates: bytes


class CertificateFiles:
    """The key pair in two files, read anew when either changes.  Thread-safe.

    Both may be one file.  While the pair on disk is unusable, for instance because only one of
    the files has been replaced yet, the last good one is served.
    """

    def __init__(self, certificate_file: Path, key_file: Path) -> None:
        """Read the files for the first time.

        Raises:
            PreconditionFailed: They cannot be read, or are no pair.
        """
        self._certificate_file = certificate_file
        self._key_file = key_file
        self._lock = threading.Lock()
        self._seen = self._stamp()
        self._pair = read_pair(certificate_file, key_file)

    @property
    def current(self) -> KeyPair:
        """The last good key pair."""
        return self._pair

    def credentials(self) -> grpc.ServerCredentials:
        """Return gRPC credentials that look at the files on every handshake."""
        configured = _configuration(self._pair)
        return grpc.dynamic_ssl_server_credentials(
            configured,
            self._changed,  # type: ignore[arg-type] # None, which the stubs forget, is "as before"
            require_client_authentication=False,
        )

    def refresh(self) -> bool:
        """Read the files if they have changed; return whether there is a new pair."""
        with self._lock:
            stamp = self._stamp()
            if stamp == self._seen:
                return False
            try:
                pair = read_pair(self._certificate_file, self._key_file)
            except PreconditionFailed:
                return False  # and look again next time
            self._seen, changed = stamp, pair != self._pair
            self._pair = pair
            return changed

    def _changed(self) -> grpc.ServerCertificateConfiguration | None:
        return _configuration(self._pair) if self.refresh() else None

    def _stamp(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_stamp_of(file) for file in (self._certificate_file, self._key_file))


def read_pair(certificate_file: Path, key_file: Path) -> KeyPair:
    """Return the key pair in two PEM files.

    Raises:
        PreconditionFailed: A file cannot be read, or they are no pair; names the setting, since
            a path is for the operator's eyes only.
    """
    try:
        pair = KeyPair(key_file.read_bytes(), certificate_file.read_bytes())
    except OSError as error:
        raise PreconditionFailed(
            f"the certificate or key file cannot be read ({error.strerror}): "
            "check server.tls.certificate_file and key_file"
        ) from None
    try:
        chain = x509.load_pem_x509_certificates(pair.certificates)
        key = load_pem_private_key(pair.key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise PreconditionFailed(
            "the certificate or key file is not PEM, or the key is encrypted: "
            "server.tls needs a PEM certificate chain and an unencrypted PEM key"
        ) from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if chain[0].public_key().public_bytes(*form) != key.public_key().public_bytes(*form):
        raise PreconditionFailed(
            "the key does not belong to the first certificate: "
            "check server.tls.certificate_file and key_file"
        )
    # One file may hold both; what is shown to clients shall never hold the key.
    return KeyPair(pair.key, b"".join(one.public_bytes(Encoding.PEM) for one in chain))


def _configuration(pair: KeyPair) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(pair.key, pair.certificates)])


def _stamp_of(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
