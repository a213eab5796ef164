"""Paths are taken apart by hand, and store settings show no secrets."""

import pytest

from flightlake.errors import Unsupported
from flightlake.lake.stores import Location, StoreSettings, locate, settings_for

KEYS = {"s3.access-key-id": "AKIA", "s3.secret-access-key": "very-secret"}


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/a/b", Location("file", "", "/a/b")),
        ("file:/a/b", Location("file", "", "/a/b")),
        ("file:///a/b", Location("file", "", "/a/b")),
        ("file://localhost/a/b", Location("file", "", "/a/b")),
        ("file:///a#b?c%20d", Location("file", "", "/a#b?c%20d")),
        ("s3://lake/a/b", Location("s3", "lake", "a/b")),
        ("s3a://lake/a#b?c", Location("s3", "lake", "a#b?c")),
        ("S3n://lake/a", Location("s3", "lake", "a")),
        ("s3://lake", Location("s3", "lake", "")),
    ],
)
def test_a_path_is_taken_apart_as_it_is(path: str, location: Location) -> None:
    assert locate(path) == location


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("gs://lake/a", "'gs:' locations"),
        ("hdfs://host/a", "'hdfs:' locations"),
        ("a/b", "relative locations"),
        ("", "relative locations"),
        ("file:a", "must start with file://"),
        ("s3:lake/a", "must start with s3://"),
        ("file://elsewhere/a", "files of another host"),
    ],
)
def test_another_location_is_refused_by_its_scheme(path: str, said: str) -> None:
    with pytest.raises(Unsupported, match=said):
        locate(path)


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
    monkeypatch.delenv("AWS_REGION", raising=False)
    assert settings_for("s3://lake/t", {"s3.endpoint": "https://s3"}, 1).region == "us-east-1"
    assert settings_for("s3://lake/t", {}, 1).region is None
    assert not settings_for("s3://lake/t", {"s3.endpoint": "https://s3"}, 1).allow_http


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
