"""What must hold for a catalog that is written."""

import pytest

from tests.fix_config import Loader, Problems

_LAKE = "[catalogs.lake]\nwritable = true\n"


@pytest.mark.parametrize(
    "text",
    [
        "type = 'sql'\nuri = 'sqlite:////lake.db'",
        "type = 'rest'\nuri = 'http://x'",
        "type = 'hive'\nuri = 'thrift://x:9083'",
        "type = 'glue'\nproperties = { 'client.region' = 'eu-central-1' }",
    ],
)
def test_catalogs_of_all_types_can_be_written(read: Loader, text: str) -> None:
    assert read(_LAKE + text).writable == {"lake"}


def test_a_catalog_that_callers_read_with_their_own_tokens_is_not_written(
    problems: Problems,
) -> None:
    found = problems(f"{_LAKE}type = 'rest'\nuri = 'http://x'\ncaller_token = true")
    (told,) = (one for one in found if one.startswith("catalogs.lake.writable: "))
    assert "remove this key, or `caller_token`" in told


def test_an_encryption_that_would_not_be_done_is_refused_where_files_are_written(
    read: Loader, problems: Problems
) -> None:
    given = "type = 'sql'\nuri = 'sqlite:////x'\nproperties = { 's3.sse-kms-key-id' = 'a' }"
    (told,) = problems(_LAKE + given)
    assert told.startswith("catalogs.lake.properties.s3.sse-kms-key-id: files would be written")
    assert read(_LAKE.replace("true", "false") + given).writable == frozenset()
