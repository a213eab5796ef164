"""What is said of properties that nobody would follow."""

import pytest

from flightlake.lake.properties import hive_addresses, of_stores


def test_properties_that_are_followed_are_not_spoken_of() -> None:
    given = {
        "uri": "x",
        "s3.region": "x",
        "client.region": "x",
        "s3.anonymous": "false",
        "s3.force-virtual-addressing": "false",
        "s3.server-side-encryption": "AES256",
        "adls.sas-token.acme.dfs.core.windows.net": "x",
        "gcs.service.host": "http://x",
        "glue.id": "1",
        "rest.sigv4-enabled": "x",
        "header.x": "y",
    }
    assert list(of_stores(given, ())) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("s3.regoin", "did you mean `s3.region`?"),
        ("glue.acess-key-id", "did you mean `glue.access-key-id`?"),
        ("s3.force-virtual-addressing", "not followed"),
        ("gcs.oauth2.token", "a token for Google storage is not supported"),
        ("adls.connection-string", "an Azure connection string is not supported"),
    ],
)
def test_a_property_that_would_not_be_followed_is_named(name: str, said: str) -> None:
    ((found, text),) = of_stores({name: "true"}, ())
    assert found == name
    assert said in text
    assert list(of_stores({}, {name})) == [(name, text)]


def test_a_metastore_may_have_several_addresses() -> None:
    assert hive_addresses("thrift://one, thrift://two:1,thrift://[::1]:2") == [
        ("one", 9083),
        ("two", 1),
        ("::1", 2),
    ]
