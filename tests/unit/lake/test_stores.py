"""Store settings name files to the engine, come from the properties, and show no secrets."""

import pytest

from flightlake.errors import Unsupported
from flightlake.lake.stores import StoreSettings, settings_for

KEYS = {"s3.access-key-id": "AKIA", "s3.secret-access-key": "very-secret"}


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/a b/é.parquet", "file:///a%20b/%C3%A9.parquet"),
        ("file:///a%20b", "file:///a%2520b"),
        ("file:/a#?+=:b", "file:///a%23%3F%2B%3D%3Ab"),
        ("file:///a//b///c", "file:///a/b/c"),
        ("/.hidden/a..b", "file:///.hidden/a..b"),
    ],
)
def test_the_engine_is_given_an_encoded_url(path: str, url: str) -> None:
    assert StoreSettings("file").engine_url(path) == url


@pytest.mark.parametrize("key", ["a//b", "a/../b", "./a", "a/.", "a\nb", "a\x7f", "a/"])
def test_a_key_the_engine_would_read_as_another_is_refused(key: str) -> None:
    with pytest.raises(Unsupported, match="cannot be named to the engine"):
        StoreSettings("s3", "lake").engine_url(f"s3://lake/{key}")


@pytest.mark.parametrize("path", ["/a/../b", "/a/./b", "/a\tb"])
def test_a_local_path_the_engine_would_read_as_another_is_refused(path: str) -> None:
    with pytest.raises(Unsupported, match="cannot be named to the engine"):
        StoreSettings("file").engine_url(path)


@pytest.mark.parametrize("path", ["s3://other/a", "/a", "file:///a"])
def test_a_file_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(Unsupported, match="several buckets"):
        StoreSettings("s3", "lake").engine_url(path)


def test_settings_come_from_the_properties() -> None:
    properties = {
        **KEYS,
        "s3.endpoint": "http://127.0.0.1:9000/",
        "s3.session-token": "token",
        "client.region": "eu-west-1",
        "s3.connect-timeout": "3.5",
    }
    settings = settings_for("s3://lake/t", properties, 10)
    assert settings == StoreSettings(
        scheme="s3",
        authority="lake",
        endpoint="http://127.0.0.1:9000",
        region="eu-west-1",
        access_key_id="AKIA",
        secret_access_key="very-secret",
        session_token="token",
        connect_timeout=3.5,
        request_timeout=10,
    )
    assert settings.allow_http


def test_an_endpoint_without_a_region_has_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable, raising=False)
    assert settings_for("s3://lake/t", {"s3.endpoint": "https://s3"}, 1).region == "us-east-1"
    assert settings_for("s3://lake/t", {}, 1).region is None
    assert not settings_for("s3://lake/t", {"s3.endpoint": "https://s3"}, 1).allow_http
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert settings_for("s3://lake/t", {}, 1).region == "eu-west-1"


def test_settings_show_no_secrets() -> None:
    settings = settings_for("s3://lake/t", {**KEYS, "s3.session-token": "quiet"}, 10)
    for shown in (repr(settings), str(settings), settings.host, str(settings.place)):
        assert not any(secret in shown for secret in ("AKIA", "very-secret", "quiet"))


def test_other_credentials_for_a_bucket_are_another_host() -> None:
    one = settings_for("s3://lake/t", KEYS, 10)
    two = settings_for("s3://lake/t", {**KEYS, "s3.session-token": "x"}, 10)
    again = settings_for("s3://lake/other", KEYS, 10)
    assert one.host != two.host
    assert one.host == again.host
    assert one.place == two.place


@pytest.mark.parametrize(
    "option",
    ["s3.remote-signing-enabled", "s3.anonymous", "s3.role-arn", "client.role-arn", "s3.proxy-uri"],
)
def test_an_option_that_is_not_supported_is_refused_by_name(option: str) -> None:
    with pytest.raises(Unsupported, match=option):
        settings_for("s3://lake/t", {option: "true"}, 10)
    settings_for("s3://lake/t", {option: "false"}, 10)
    settings_for("/local", {option: "true"}, 10)


def test_two_catalogs_with_two_azure_logins_are_two_hosts() -> None:
    one = {"adls.account-name": "acme", "adls.account-key": "very-secret"}
    two = {"adls.account-name": "acme", "adls.sas-token": "sig=quiet"}
    hosts = {settings_for("abfss://lake/t", each, 1).host for each in (one, two)}
    assert len(hosts) == 2
    for each in (one, two):
        settings = settings_for("abfss://lake/t", each, 1)
        shown = (repr(settings), settings.host, str(settings.place), settings.engine_store)
        assert not any(secret in text for text in shown for secret in ("very-secret", "quiet"))


@pytest.mark.parametrize(
    "path",
    [
        "abfss://lake/a b",
        "abfs://lake@acme.dfs.core.windows.net/a b",
        "wasbs://lake@acme.blob.core.windows.net/a b",
    ],
)
def test_every_spelling_of_an_azure_path_is_one_file(path: str) -> None:
    login = {"adls.account-name": "acme", "adls.account-key": "x"}
    settings = settings_for("abfss://lake@acme.dfs.core.windows.net/t", login, 1)
    assert settings.engine_url(path) == f"{settings.engine_store}/a%20b"


def test_the_credentials_of_an_account_are_not_sent_to_another() -> None:
    login = {"adls.account-name": "acme", "adls.sas-token": "sig=quiet"}
    with pytest.raises(Unsupported, match=r"'evil' is not read; adls\.account-name is another"):
        settings_for("abfss://lake@evil.dfs.core.windows.net/t", login, 1)
    settings = settings_for("abfss://lake@acme.dfs.core.windows.net/t", login, 1)
    with pytest.raises(Unsupported, match="several buckets"):
        settings.engine_url("abfss://lake@evil.dfs.core.windows.net/t/x")


def test_credentials_that_a_catalog_hands_out_are_those_of_the_account() -> None:
    told = {
        "adls.sas-token.one.dfs.core.windows.net": "sig=1",
        "adls.sas-token.two.dfs.core.windows.net": "?sig=2",
    }
    azure = settings_for("abfss://lake@two.dfs.core.windows.net/t", told, 1).azure
    assert azure is not None
    assert (azure.account, azure.sas_pairs) == ("two", [("sig", "2")])


@pytest.mark.parametrize(
    ("path", "properties", "said"),
    [
        ("abfss://lake/t", {}, "needs adls.account-name"),
        (
            "abfss://lake/t",
            {"adls.account-name": "acme", "adls.tenant-id": "t"},
            "needs adls.client-id and adls.client-secret as well",
        ),
        ("abfss://lake/t", {"adls.connection-string": "x"}, "connection string"),
        ("gs://lake/t", {"gcs.oauth2.token": "x"}, "token for Google storage"),
        ("gs://lake/t", {"gcs.service.host": "localhost"}, "gcs.service.host cannot be used"),
        (
            "abfss://lake/t",
            {"adls.account-name": "acme", "adls.blob-storage-authority": "a/b"},
            "adls.blob-storage-authority cannot be used",
        ),
    ],
)
def test_settings_that_cannot_be_followed_are_refused(
    path: str, properties: dict[str, str], said: str
) -> None:
    with pytest.raises(Unsupported, match=said):
        settings_for(path, properties, 1)


def test_a_service_principal_may_be_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"AZURE_{name}", f"my {name}")
    azure = settings_for("abfss://lake/t", {"adls.account-name": "acme"}, 1).azure
    assert azure is not None
    assert (azure.tenant_id, azure.client_secret) == ("my TENANT_ID", "my CLIENT_SECRET")
