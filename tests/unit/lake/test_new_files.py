"""What was written and is not wanted is deleted as well as can be, and in bounded time."""

import socketserver
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flightlake.clock import SystemClock
from flightlake.errors import NotReady
from flightlake.lake.new_files import remove
from flightlake.lake.stores import StoreSettings
from flightlake.lake.vending import Keys, VendedKeys

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class _Silent(socketserver.ThreadingTCPServer):
    """Hangs up on whoever comes, and counts them."""

    daemon_threads = True
    came = 0

    def finish_request(self, request: object, client_address: object) -> None:
        self.came += 1


@pytest.fixture
def silent() -> Iterator[_Silent]:
    with _Silent(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def s3(server: _Silent) -> StoreSettings:
    port = server.server_address[1]
    return StoreSettings("s3", "b", f"http://127.0.0.1:{port}", "us-east-1", "k", "s")


def test_a_store_that_does_not_answer_is_not_asked_for_each_file(silent: _Silent) -> None:
    remove(s3(silent), [f"s3://b/{number}.parquet" for number in range(200)])
    assert 3 <= silent.came <= 30


def test_files_that_are_not_there_keep_no_other_from_being_deleted(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.touch()
    absent = [str(tmp_path / f"absent-{number}") for number in range(10)]
    remove(StoreSettings("file"), [*absent, str(there)])
    assert not there.exists()


def test_keys_that_have_ended_hide_no_other_failure() -> None:
    def renew() -> Keys:
        raise NotReady("the catalog does not answer")

    keys = VendedKeys("a", "t", Keys("k", "s", "t", LONG_AGO, LONG_AGO), renew, SystemClock())
    store = StoreSettings("s3", "b", region="us-east-1", keys=keys)
    with pytest.raises(NotReady):
        store.held()
    remove(store, ["s3://b/1.parquet"])
