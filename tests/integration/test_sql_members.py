"""Processes that meet in a catalog's database know each other as long as they show up."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from flightlake.errors import NotReady
from flightlake.lake.sql_members import HoldsMembers, SqlMembers
from tests.fix_catalogs import Lake, postgresql_lake, sqlite_lake

LIFE = timedelta(seconds=15)


@pytest.fixture(params=[sqlite_lake, postgresql_lake])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    made: Lake = request.param(tmp_path)
    return made


def members(lake: Lake) -> SqlMembers:
    catalog = lake.open()
    assert isinstance(catalog, HoldsMembers)
    return catalog.members()


def age(path: str, member: str, seconds: float) -> None:
    engine = sa.create_engine(path)
    with engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE flightlake_members SET beat = beat - :s WHERE member = :m"),
            {"s": seconds, "m": member},
        )
    engine.dispose()


def test_members_come_stay_and_go(lake: Lake) -> None:
    one, two = members(lake), members(lake)
    assert one.beat("a", LIFE) == ["a"]
    assert two.beat("b", LIFE) == ["a", "b"]
    assert one.beat("a", LIFE) == ["a", "b"]
    two.leave("b")
    assert one.beat("a", LIFE) == ["a"]


def test_whoever_does_not_show_up_is_gone_and_may_come_back(lake: Lake) -> None:
    one = members(lake)
    one.beat("a", LIFE)
    one.beat("b", LIFE)
    age(lake.properties["uri"], "b", 14)
    assert one.beat("a", LIFE) == ["a", "b"]
    age(lake.properties["uri"], "b", 2)
    assert one.beat("a", LIFE) == ["a"]
    assert one.beat("b", LIFE) == ["a", "b"]
    # Its row does not stay for ever.
    age(lake.properties["uri"], "b", 15 * 101)
    one.beat("a", LIFE)
    engine = sa.create_engine(lake.properties["uri"])
    with engine.connect() as connection:
        query = sa.text("SELECT member FROM flightlake_members WHERE catalog_name = :name")
        rows = connection.execute(query, {"name": lake.name}).all()
    engine.dispose()
    assert [row[0] for row in rows] == ["a"]


def test_a_database_that_is_gone_does_not_answer(tmp_path: Path) -> None:
    lake = sqlite_lake(tmp_path)
    one = members(lake)
    Path(lake.properties["uri"].removeprefix("sqlite:///")).unlink()
    with pytest.raises(NotReady):
        one.beat("a", LIFE)
