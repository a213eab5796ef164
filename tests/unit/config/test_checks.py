"""What a configuration is refused for: each mistake names its key and what to do."""

from pathlib import Path

import pytest

from flightlake.config import ConfigError
from tests.fix_auth import certificate_pem, ec_key, private_pem, public_pem
from tests.fix_config import JWT, Loader, Problems


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("[server]\nport = 70000", "server.port", "at most 65535"),
        ("[server]\nport = 1.5", "server.port", "whole number"),
        ("[server]\nhost = 5", "server.host", "quotes"),
        ("[server]\nhost = 'a b'", "server.host", "address"),
        ("[server]\nport = 31338", "management.port", "as well"),
        ("[server.tls]\nmode = 'files'", "server.tls.certificate_file", "required"),
        ("[server.tls]\nmode = 'files'", "server.tls.key_file", "required"),
        ("[server.tls]\ncertificate_file = 'x'", "server.tls.certificate_file", "not used"),
        ("[auth]\nusers_file = 'no.toml'", "auth.users_file", "flightlake user add"),
        ("[auth]\ntoken_lifetime = '1s'", "auth.token_lifetime", "at least 1m"),
        ("[auth]\ntoken_lifetime = 3600", "auth.token_lifetime", "with its unit"),
        ("[limits]\nmemory = '200%'", "limits.memory", "share"),
        ("[limits]\nmessage_bytes = '8MiB'", "limits.message_bytes", "at most"),
        ("[session]\ncatalog = 'lake'", "session.catalog", "no [catalogs.lake]"),
        ("[catalogs.lake]\ntype = 'sql'", "catalogs.lake.uri", "required"),
        ("[catalogs.'a.b']\ntype = 'sql'\nuri = 'x'", "catalogs.a.b", "name"),
        (
            "[catalogs.a]\ntype='sql'\nuri='x'\n[catalogs.A]\ntype='sql'\nuri='x'",
            "catalogs.A",
            "case",
        ),
        ("[catalogs.a]\ntype = 'hiv'\nuri = 'x'", "catalogs.a.type", "'hive' or 'glue'"),
        ("[catalogs.a]\ntype = 'hive'", "catalogs.a.uri", "required"),
        ("[catalogs.a]\ntype = 'hive'\nuri = 'http://x'", "catalogs.a.uri", "thrift://host:port"),
        (
            "[catalogs.a]\ntype='hive'\nuri='thrift://x'\n"
            "properties={'hive.kerberos-authentication'=true}",
            "catalogs.a.properties.hive.kerberos-authentication",
            "not supported",
        ),
        (
            "[catalogs.a]\ntype='glue'\nuri='http://x'\nproperties={'glue.region'='x'}",
            "catalogs.a.uri",
            "set glue.endpoint",
        ),
        (
            "[catalogs.a]\ntype='glue'\nproperties={'glue.region'='x','glue.max-retries'='-1'}",
            "catalogs.a.properties.glue.max-retries",
            "whole number",
        ),
        (
            "[catalogs.a]\ntype='sql'\nuri='x'\nproperties={'s3.acces-key-id'='y'}",
            "catalogs.a.properties.s3.acces-key-id",
            "did you mean `s3.access-key-id`?",
        ),
        (
            "[catalogs.a]\ntype='sql'\nuri='x'\nproperties={'s3.anonymous'=true}",
            "catalogs.a.properties.s3.anonymous",
            "not supported",
        ),
        (
            "[catalogs.a]\ntype='sql'\nuri='x'\nproperty_files={'adls.connection-string'='y'}",
            "catalogs.a.property_files.adls.connection-string",
            "not supported",
        ),
        (
            "[catalogs.a]\ntype='sql'\nuri='x'\nproperties={uri='y'}",
            "catalogs.a.properties",
            "itself",
        ),
        (
            "[catalogs.a]\ntype='sql'\nuri='x'\nproperties={b='y'}\nproperty_files={b='z'}",
            "catalogs.a.property_files",
            "as well",
        ),
        (
            "[catalogs.a]\ntype='sql'\nuri='x'\nproperty_files={b='missing'}",
            "catalogs.a.property_files.b",
            "cannot be read",
        ),
    ],
)
def test_each_mistake_names_its_key_and_what_to_do(
    problems: Problems, text: str, key: str, words: str
) -> None:
    assert any(line.startswith(f"{key}: ") and words in line for line in problems(text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (JWT, "auth.jwt[0]: give either"),
        (JWT + "jwks_url = 'https://x'\nkey_file = 'y'", "auth.jwt[0]: give either"),
        (
            JWT + "jwks_url = 'http://x'",
            "auth.jwt[0].jwks_url: keys may only be fetched over https",
        ),
        (JWT + "key_file = 'no.pem'", "auth.jwt[0].key_file:"),
        (JWT + "key_file = 'flightlake.toml'", "is neither a PEM public key nor a JWK set"),
        (JWT + "jwks_url = 'https://x'\nalgorithms = ['none']", '"none" is not allowed'),
        (JWT + "jwks_url = 'https://x'\nalgorithms = ['HS256']", "allowed are RS256, "),
        (JWT + "jwks_url = 'https://x'\nalgorithms = []", "must not be empty"),
        ((JWT + "jwks_url = 'https://x'\n") * 2, "auth.jwt[1].issuer: an earlier entry"),
    ],
)
def test_incomplete_entries_for_foreign_tokens_are_refused(
    problems: Problems, text: str, words: str
) -> None:
    assert any(words in line for line in problems(text))


def test_a_server_nobody_can_log_in_to_does_not_start(problems: Problems) -> None:
    assert problems("", {}) == [
        "auth: nobody could log in: set users_file, or add [[auth.jwt]], or, for development,"
        " set anonymous = true"
    ]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", "127.0.0.1.example"])  # noqa: S104
def test_anonymous_is_refused_where_others_could_come(problems: Problems, host: str) -> None:
    assert any("auth.anonymous" in line for line in problems(f'[server]\nhost = "{host}"'))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.9.9.9"])
def test_anonymous_is_taken_on_loopback(read: Loader, host: str) -> None:
    assert read(f'[server]\nhost = "{host}"').auth.anonymous


def test_plaintext_for_all_has_to_be_said_twice(problems: Problems, read: Loader) -> None:
    text = '[server]\nhost = "0.0.0.0"\ntls = { mode = "off" }\n' + JWT + 'jwks_url = "https://x"'
    assert problems(text, {})[0].startswith("server.tls.mode: ")
    allowed = {"FLIGHTLAKE__SERVER__ALLOW_PLAINTEXT_CREDENTIALS": "true"}
    assert read(text, allowed).server.tls.mode == "off"


def test_a_certificate_and_a_key_that_do_not_fit_are_refused(
    problems: Problems, tmp_path: Path
) -> None:
    (tmp_path / "c.pem").write_bytes(public_pem(ec_key()))
    text = "[server.tls]\nmode = 'files'\ncertificate_file = 'c.pem'\nkey_file = 'c.pem'"
    assert "do not belong together" in problems(text)[0]


def test_a_certificate_with_its_key_is_taken(read: Loader, tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_bytes(certificate_pem(ec_key()))
    (tmp_path / "k.pem").write_bytes(private_pem(ec_key()))
    (tmp_path / "other.pem").write_bytes(private_pem(ec_key("second")))
    text = "[server.tls]\nmode = 'files'\ncertificate_file = 'c.pem'\nkey_file = '{}'"
    assert read(text.format("k.pem")).server.tls.key_file == tmp_path / "k.pem"
    with pytest.raises(ConfigError, match="do not belong together"):
        read(text.format("other.pem"))


def test_a_damaged_users_file_is_told(problems: Problems, tmp_path: Path) -> None:
    (tmp_path / "users.toml").write_text("[users.a]\npassword = 'canary'")
    (line,) = problems("[auth]\nusers_file = 'users.toml'")
    assert "argon2id" in line
    assert "canary" not in line


def test_commands_that_do_not_serve_need_no_files(read: Loader) -> None:
    settings = read("[auth]\nusers_file = 'not-yet.toml'", {}, to_serve=False)
    assert settings.auth.users_file is not None


def test_glue_needs_a_region_and_no_uri(
    read: Loader, problems: Problems, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(variable, raising=False)
    found = problems("[catalogs.a]\ntype = 'glue'")
    assert [line for line in found if line.startswith("catalogs.a")] == [
        "catalogs.a.properties.glue.region: Glue needs a region"
    ]
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert read("[catalogs.a]\ntype = 'glue'").catalogs["a"].all_properties() == {"type": "glue"}
