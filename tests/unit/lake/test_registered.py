"""Places that tables have in a store: one bucket is one, whoever asks for it and how."""

import pytest

from flightlake.lake.registered import place_of
from flightlake.lake.stores import StoreSettings

STORE = StoreSettings("s3", authority="lake", endpoint="http://one:9000", region="us-east-1")
FOLDER = "s3://lake/shop/v-0123abcd"


@pytest.mark.parametrize(
    "other",
    [
        StoreSettings("s3", authority="lake", endpoint="http://1.2.3.4:9000", region="us-east-1"),
        StoreSettings("s3", authority="lake", owner="somebody", session_token="x"),
    ],
)
@pytest.mark.parametrize(
    "location", [FOLDER, f"{FOLDER}/", f"{FOLDER}/below", "s3a://lake/shop", "s3n://lake"]
)
def test_a_folder_is_met_by_whatever_address(other: StoreSettings, location: str) -> None:
    mine, theirs = place_of(STORE, FOLDER), place_of(other, location)
    assert mine.meets(theirs)
    assert theirs.meets(mine)


def test_others_are_not_met() -> None:
    mine = place_of(STORE, FOLDER)
    bucket = StoreSettings("s3", authority="lake2", endpoint="http://one:9000", region="us-east-1")
    assert not mine.meets(place_of(bucket, "s3://lake2/shop/v-0123abcd"))
    assert not mine.meets(place_of(STORE, f"{FOLDER}e"))
