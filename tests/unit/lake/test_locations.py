"""Paths are taken apart by hand, as they are."""

import pytest

from flightlake.errors import Unsupported
from flightlake.lake.locations import Location, locate


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
        ("gs://lake/a%20b", Location("gs", "lake", "a%20b")),
        ("gcs://lake/a", Location("gs", "lake", "a")),
        ("abfss://lake/a", Location("abfss", "lake", "a")),
        ("abfss://lake@acme.dfs.core.windows.net/a", Location("abfss", "lake", "a", "acme")),
        ("wasbs://lake@acme.blob.core.windows.net/a", Location("abfss", "lake", "a", "acme")),
    ],
)
def test_a_path_is_taken_apart_as_it_is(path: str, location: Location) -> None:
    assert locate(path) == location


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("oss://lake/a", "'oss:' locations"),
        ("abfss://lake@acme.dfs.core.chinacloudapi.cn/a", "other clouds of Azure"),
        ("abfss://lake@acme.dfs.core.windows.net.evil.example/a", "other clouds of Azure"),
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
