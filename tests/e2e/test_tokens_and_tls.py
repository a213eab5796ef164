"""Who gets in and how: tokens of ours and of others, certificates, plaintext."""

import os
import re
import socket
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import adbc_driver_flightsql.dbapi as dbapi
import grpc
import pyarrow.flight as flight
import pytest

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.flightsql.messages import pack
from tests.components.processes import free_port
from tests.e2e.conftest import Shop
from tests.fix_adbc import OPTIONS, adbc, rows
from tests.fix_auth import (
    ISSUER,
    certificate_pem,
    ec_key,
    foreign_claims,
    foreign_token,
    identity_provider,
    jwk,
    private_pem,
    public_pem,
    rsa_key,
)
from tests.fix_processes import PASSWORD, USER, Server, configure, settled
from tests.fix_raw_client import RawClient, basic, bearer, raw

REFUSED = grpc.StatusCode.UNAUTHENTICATED


def command(*arguments: str, **options: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "flightlake", *arguments],
        capture_output=True,
        text=True,
        check=True,
        **options,  # type: ignore[call-overload]
    )
    return str(done.stdout).strip()


def test_an_expired_token_is_refused_in_a_sentence(shop: Shop, client: RawClient):
    config = str(shop.server.config)
    token = ""

    def accepted() -> bool:
        try:
            return client.read("SELECT 1", metadata=bearer(token)).num_rows == 1
        except grpc.RpcError:
            return False

    for lifetime in ("2s", "10s", "60s"):  # a busy machine may need long to come with it
        token = command("token", "--config", config, "--subject", "etl", "--lifetime", lifetime)
        if accepted():
            break
    else:
        raise AssertionError("a token of a minute is refused")
    settled(lambda: not accepted(), "the token expires")
    code, message = client.refused(lambda: client.read("SELECT 1", metadata=bearer(token)))
    assert (code, "expired" in message) == (REFUSED, True)


def test_the_token_of_another_server_is_refused(shop: Shop, client: RawClient, folder: Path):
    other = configure(folder)
    token = command("token", "--config", str(other), "--subject", USER)
    code, message = client.refused(lambda: client.read("SELECT 1", metadata=bearer(token)))
    assert code is REFUSED
    assert str(folder) not in message


def test_the_ticket_of_another_server_is_refused(client: RawClient, folder: Path):
    with Server(configure(folder)) as server, raw(server) as other:
        ticket = other.ticket("SELECT 1")
    code, message = client.refused(lambda: client.get(ticket))
    assert (code, "issued" in message) == (grpc.StatusCode.NOT_FOUND, True)


def test_a_removed_user_is_out_at_once(folder: Path):
    config = configure(folder)
    users = ("--config", str(config))
    with Server(config) as server, raw(server) as client:
        command("user", "add", "bob", "--password-stdin", *users, input="secret of bob\n")
        bob = basic("bob", "secret of bob")
        token = bearer(RawClient(server, metadata=bob).login())
        for metadata in (bob, token):
            assert client.read("SELECT 1 AS x", metadata=metadata).num_rows == 1
        command("user", "remove", "bob", *users)
        for metadata in (bob, token):
            code, _ = client.refused(lambda m=metadata: client.read("SELECT 1", metadata=m))
            assert code is REFUSED


def test_jwts_of_others_are_taken_by_key_file_and_by_url(folder: Path):
    now = datetime.now(UTC)
    folder.mkdir()
    (folder / "idp.pem").write_bytes(public_pem(ec_key()))
    by_file = {
        "issuer": "https://file.example",
        "audience": "flightlake",
        "key_file": str(folder / "idp.pem"),
    }
    with identity_provider(jwk(rsa_key(), kid="1", alg="RS256")) as provider:
        by_url = {"issuer": ISSUER, "audience": "flightlake", "jwks_url": provider.url}
        with (
            Server(configure(folder, {"auth": {"jwt": [by_file, by_url]}})) as server,
            raw(server) as client,
        ):
            claims = foreign_claims(now)
            good = foreign_token(claims, kid="1")
            signed = foreign_token(
                foreign_claims(now, iss="https://file.example"), key=ec_key(), algorithm="ES256"
            )
            for token in (good, signed):
                assert client.read("SELECT 1 AS x", metadata=bearer(token)).num_rows == 1
                with adbc(server, username="token", password=token) as connection:
                    assert rows(connection, "SELECT 1") == [(1,)]
            for wrong in (
                foreign_token(claims, key=rsa_key("another"), kid="1"),
                foreign_token(foreign_claims(now, aud="somebody else"), kid="1"),
                foreign_token(foreign_claims(now, iss="https://nobody.example"), kid="1"),
                foreign_token(foreign_claims(now - timedelta(hours=1)), kid="1"),
                foreign_token(foreign_claims(now, iss="https://file.example"), kid="1"),
            ):
                code, _ = client.refused(
                    lambda t=wrong: client.read("SELECT 1", metadata=bearer(t))
                )
                assert code is REFUSED
        settled(lambda: server.events("statement"), "log lines")
        assert {line["user"] for line in server.events("statement")} == {"carol"}


def test_pyarrow_logs_in_and_reads(shop: Shop):
    roots = (shop.server.state / "self-signed.pem").read_bytes()
    with flight.FlightClient(shop.server.location, tls_root_certs=roots) as client:
        token = client.authenticate_basic_token(USER, PASSWORD)
        options = flight.FlightCallOptions(headers=[token])
        query = pack(pb.CommandStatementQuery(query="SELECT id FROM shop.orders ORDER BY id"))
        info = client.get_flight_info(flight.FlightDescriptor.for_command(query), options)
        found = client.do_get(info.endpoints[0].ticket, options).read_all()
        assert found["id"].to_pylist() == [1, 2, 3, 4]
        with pytest.raises(flight.FlightUnauthenticatedError):
            client.authenticate_basic_token(USER, "guessed")


def not_loopback() -> str:
    """Return an address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("this machine has no address but loopback")
        address: str = probe.getsockname()[0]
    if address.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    return address


def test_plaintext_on_an_address_for_others_is_refused_unless_it_is_wanted(folder: Path):
    plain = {"server": {"host": "0.0.0.0", "tls": {"mode": "off"}}}  # noqa: S104
    with Server(configure(folder, plain), ready=False) as server:
        assert server.wait() == 2
        assert re.fullmatch(r"flightlake: server\.tls\.mode: .* TLS.*\n", server.said())
    allowed = {"FLIGHTLAKE__SERVER__ALLOW_PLAINTEXT_CREDENTIALS": "true"}
    with Server(folder / "flightlake.toml", allowed) as server:
        outside = f"grpc://{not_loopback()}:{server.port}"
        with raw(server, location=outside) as client:
            assert client.read("SELECT 1 AS x").num_rows == 1


def test_certificate_files_are_read_again_when_they_change(folder: Path):
    folder.mkdir()
    certificate, key = folder / "tls.crt", folder / "tls.key"
    certificate.write_bytes(certificate_pem(ec_key("old")))
    key.write_bytes(private_pem(ec_key("old")))
    files = {"mode": "files", "certificate_file": str(certificate), "key_file": str(key)}
    with Server(configure(folder, {"server": {"tls": files}})) as server:
        before = shown(server)
        assert before == shown(server)
        certificate.write_bytes(certificate_pem(ec_key("new")))
        key.write_bytes(private_pem(ec_key("new")))
        os.utime(certificate, (time.time() + 5, time.time() + 5))
        settled(lambda: shown(server) != before, "the new certificate is shown")
        options = {OPTIONS.TLS_SKIP_VERIFY.value: "true", "username": USER, "password": PASSWORD}
        with dbapi.connect(server.location, db_kwargs=options, autocommit=True) as connection:
            assert rows(connection, "SELECT 1") == [(1,)]


def shown(server: Server) -> str:
    return ssl.get_server_certificate(("127.0.0.1", server.port))


def test_the_self_signed_certificate_stays(folder: Path):
    config = configure(folder, {"server": {"port": free_port()}})
    seen = set()
    for _ in range(2):
        with Server(config) as server:
            seen.add(shown(server))
    assert len(seen) == 1
    for path in (folder / "state").rglob("*"):
        if path.suffix != ".crt":  # which is for clients
            assert path.stat().st_mode & 0o077 == 0, path
