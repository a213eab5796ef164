"""Catalogs of several types in one server: those that are down hinder no other, and come back."""

from pathlib import Path

import grpc
import pytest

from tests.fix_catalogs import Lake, orders, sqlite_lake
from tests.fix_every_catalog import KINDS, Own
from tests.fix_processes import Server, configure, settled
from tests.fix_raw_client import RawClient, raw
from tests.fix_served_lake import catalogs


def ids(lake: Lake) -> str:
    return f"SELECT id FROM {lake.name}.{lake.root}.orders"


def answers(client: RawClient, lake: Lake) -> bool:
    try:
        return client.read(ids(lake)).column("id").to_pylist() == [1]
    except grpc.RpcError as error:
        assert error.code() is grpc.StatusCode.UNAVAILABLE  # noqa: PT017 - while it comes back
        return False


def unavailable(client: RawClient, lake: Lake) -> None:
    code, message = client.refused(lambda: client.read(ids(lake)))
    assert code is grpc.StatusCode.UNAVAILABLE
    assert message == f"catalog '{lake.name}' does not answer"


def start(kind: str, folder: Path) -> Own:
    folder.mkdir()
    make = KINDS[kind].own
    assert make is not None
    own = make(folder)
    own.lake.create("orders").append(orders(1))
    return own


@pytest.mark.component("postgresql")
@pytest.mark.component("moto")
def test_catalogs_that_are_down_from_the_start_are_unavailable_until_they_are_up(
    tmp_path: Path,
) -> None:
    (tmp_path / "steady").mkdir()
    steady = sqlite_lake(tmp_path / "steady")
    steady.create("orders").append(orders(1))
    owns = [start(kind, tmp_path / kind) for kind in ("postgresql", "glue")]
    for own in owns:
        own.down()
    config = configure(tmp_path / "server", catalogs(steady, *(own.lake for own in owns)))
    with Server(config) as server, raw(server) as client:
        for own in owns:
            unavailable(client, own.lake)
        assert answers(client, steady)
        for own in owns:
            own.up()
            settled(lambda own=own: answers(client, own.lake), f"{own.lake.name} is back")
            own.down()
            unavailable(client, own.lake)
        assert answers(client, steady)
    for own in owns:
        own.close()
