"""Reading a configuration: strictly, and all problems at once."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlake.auth.passwords import hash_password
from flightlake.auth.users import User, UsersFile
from flightlake.config import ConfigError, Settings, load
from flightlake.config.values import Memory
from tests.fix_auth import CHEAP, public_pem, rsa_key
from tests.fix_config import ANYBODY, JWT, Loader, Problems


def test_the_defaults_are_the_documented_ones() -> None:
    settings = load(None, ANYBODY)
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 31337)
    assert settings.server.tls.mode == "self-signed"
    assert settings.auth.token_lifetime == timedelta(hours=1)
    assert settings.limits.memory == Memory(share=0.6)
    assert settings.limits.message_bytes == 2 * 2**20
    assert settings.limits.metadata_memory == 512 * 2**20
    assert settings.state.directory == Path("flightlake-state").absolute()
    assert settings.spill_directory == settings.state.directory / "spill"


def test_a_whole_file_is_read(read: Loader, tmp_path: Path) -> None:
    UsersFile(tmp_path / "users.toml").add(User("a", hash_password("x", CHEAP)))
    (tmp_path / "idp.pem").write_bytes(public_pem(rsa_key()))
    (tmp_path / "s3").write_text("canary\n")
    settings = read(
        """
        [server]
        host = "0.0.0.0"
        port = 0
        [state]
        directory = "state"
        [auth]
        users_file = "users.toml"
        token_lifetime = "90m"
        [[auth.jwt]]
        issuer = "https://one"
        audience = "flightlake"
        key_file = "idp.pem"
        [[auth.jwt]]
        issuer = "https://two"
        audience = "flightlake"
        jwks_url = "https://two/jwks"
        algorithms = ["EdDSA"]
        [catalogs.lake]
        type = "rest"
        uri = "https://catalog"
        properties = { "s3.path-style-access" = true, "s3.connect-timeout" = 5, "s3.region" = "x" }
        property_files = { "s3.secret-access-key" = "s3" }
        [session]
        schema = "bronze"
        [limits]
        memory = "1GiB"
        statement_bytes = 500
        spill_directory = "/srv/spill"
        """,
        {},
    )
    assert settings.state.directory == tmp_path / "state"
    assert settings.auth.users_file == tmp_path / "users.toml"
    assert settings.auth.jwt[1].algorithms == ("EdDSA",)
    assert settings.default_catalog == "lake"
    assert settings.session.schema_ == "bronze"
    assert settings.spill_directory == Path("/srv/spill")
    assert settings.catalogs["lake"].all_properties() == {
        "type": "rest",
        "uri": "https://catalog",
        "s3.path-style-access": "true",
        "s3.connect-timeout": "5",
        "s3.region": "x",
        "s3.secret-access-key": "canary",
    }


def test_all_problems_are_told_at_once_with_their_keys(problems: Problems) -> None:
    found = problems(
        """
        [server]
        host = "0.0.0.0"
        prot = 3
        [server.tls]
        mode = "of"
        [sever]
        [auth]
        anonymous = true
        token_lifetime = "1x"
        [[auth.jwt]]
        issuer = ""
        algorithms = ["RS265"]
        [catalogs.lake]
        typ = "sql"
        [limits]
        queued = -1
        threads = true
        [logging]
        sql_text = "perhaps"
        """
    )
    assert sorted(found) == [
        "auth.anonymous (from FLIGHTLAKE__AUTH__ANONYMOUS): is for development on this machine;"
        " 0.0.0.0 can be reached by others: set server.host to 127.0.0.1 or anonymous to false",
        'auth.jwt[0].algorithms: "RS265" is not allowed for the tokens of others;'
        " did you mean RS256?",
        "auth.jwt[0].audience: this key is required",
        "auth.jwt[0].issuer: this must not be empty",
        'auth.token_lifetime: "1x" is not a duration; write a number and ms, s, m, h or d,'
        ' like "30s"',
        "catalogs.lake.typ: there is no such key; did you mean `type`?",
        "catalogs.lake.type: this key is required",
        "limits.queued: this must be at least 0",
        "limits.threads: this must be a whole number",
        "logging.sql_text: this must be true or false",
        "server.prot: there is no such key; did you mean `port`?",
        "server.tls.mode: this must be 'self-signed', 'files' or 'off'",
        "sever: there is no such key; did you mean `server`?",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[auth]\nanonymos = true",
        "[auth]\nanonymous = true\nuser_file = 'x'",
        "[server.tsl]\nmode = 'files'",
        "[[auth.jwts]]\nissuer = 'x'",
        "[catalog.lake]\ntype = 'sql'",
        "anonymous = true",
        "[auth.anonymous]\nenabled = true",
        "server = 3",
        "auth = []",
        "catalogs = 3",
        "[catalogs]\nlake = 'x'",
    ],
)
def test_nothing_is_left_open_by_a_typo(problems: Problems, text: str) -> None:
    assert problems(text, {})


@pytest.mark.parametrize("text", ["[server", "port = ", "\x00"])
def test_a_file_that_is_not_toml_is_refused(problems: Problems, text: str) -> None:
    assert "is not TOML" in problems(text)[0]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "no.toml", {})


def test_a_setting_cannot_be_changed() -> None:
    settings = load(None, ANYBODY)
    with pytest.raises(ValueError, match="frozen"):
        settings.server.port = 1  # type: ignore[misc]


class TestEnvironment:
    def test_it_goes_over_the_file(self, read: Loader) -> None:
        environment = {
            **ANYBODY,
            "FLIGHTLAKE__SERVER__PORT": "4",
            "flightlake__server__tls__mode": "off",
            "FLIGHTLAKE__LIMITS__MEMORY": "1GiB",
            "FLIGHTLAKE__LOGGING__SQL_TEXT": "true",
            "FLIGHTLAKE__CATALOGS__LAKE__URI": "new",
            "FLIGHTLAKE__AUTH__JWT__0__ALGORITHMS": "RS512, EdDSA",
            "FLIGHTLAKE__AUTH__JWT__1__ISSUER": "https://j",
            "FLIGHTLAKE__AUTH__JWT__1__AUDIENCE": "b",
            "FLIGHTLAKE__AUTH__JWT__1__JWKS_URL": "https://j/k",
            "FLIGHTLAKE__AUTH__JWT__1__ALGORITHMS": '["RS512"]',
            "FLIGHTLAKE_SERVICE_HOST": "not ours",
            "PATH": "/bin",
        }
        text = JWT + "jwks_url = 'https://x'\n[catalogs.Lake]\ntype = 'sql'\nuri = 'old'"
        settings = read(text, environment)
        assert settings.server.port == 4
        assert settings.server.tls.mode == "off"
        assert settings.limits.memory == Memory(size=2**30)
        assert settings.logging.sql_text is True
        assert settings.catalogs["Lake"].uri == "new"
        assert [jwt.algorithms for jwt in settings.auth.jwt] == [("RS512", "EdDSA"), ("RS512",)]

    def test_a_mistake_names_the_variable(self, problems: Problems) -> None:
        environment = {
            **ANYBODY,
            "FLIGHTLAKE__LIMITS__RUNNING": "many",
            "FLIGHTLAKE__LIMIT__RUNNING": "1",
            "FLIGHTLAKE__SERVER__TLS__MOD": "x",
            "FLIGHTLAKE__AUTH__JWT__X__ISSUER": "x",
            "FLIGHTLAKE__AUTH__JWT__7__ISSUER": "x",
            "FLIGHTLAKE__SERVER__PORT__X": "x",
            "FLIGHTLAKE__": "x",
        }
        found = problems("[server]\nport = 3\n" + JWT + "jwks_url = 'https://x'", environment)
        for start in (
            "limits.running (from FLIGHTLAKE__LIMITS__RUNNING): this must be a whole number",
            "limit: there is no such key; did you mean `limits`?",
            "server.tls.mod (from FLIGHTLAKE__SERVER__TLS__MOD): there is no such key",
            "FLIGHTLAKE__AUTH__JWT__X__ISSUER: `auth.jwt` is a list",
            "FLIGHTLAKE__AUTH__JWT__7__ISSUER: `auth.jwt` is a list",
            "FLIGHTLAKE__SERVER__PORT__X: `server.port` is no table",
            "FLIGHTLAKE__: ",
        ):
            assert any(line.startswith(start) for line in found), start


@given(
    st.dictionaries(
        st.lists(
            st.sampled_from(
                [*Settings.model_fields, "tls", "jwt", "0", "1", "lake", "port", "mode", "x", ""]
            ),
            min_size=1,
            max_size=4,
        ).map(lambda steps: "FLIGHTLAKE__" + "__".join(steps)),
        st.text(max_size=6) | st.sampled_from(["true", "1", "[1]", "{a=1}", "[", "30s"]),
        max_size=4,
    )
)
def test_any_environment_gives_settings_or_problems(environment: dict[str, str]) -> None:
    with suppress(ConfigError):
        assert isinstance(load(None, environment), Settings)
