"""The session option ``branch``, as the ADBC driver sets it."""

from collections.abc import Iterator

import pytest

from tests.fix_adbc import adbc, rows
from tests.fix_catalogs import Lake, orders, sqlite_lake
from tests.fix_processes import Server, configure
from tests.fix_served_lake import catalogs

BRANCH = "adbc.flight.sql.session.option.branch"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake whose table ``staged`` has a branch ``audit`` with one row, and ``plain`` none."""
    made = sqlite_lake(tmp_path_factory.mktemp("lake"))
    staged = made.create("staged")
    staged.append(orders(1))
    first = staged.current_snapshot()
    assert first is not None
    staged.manage_snapshots().create_branch(first.snapshot_id, "audit").commit()
    staged.append(orders(2, 3))
    made.create("plain").append(orders(4))
    return made


@pytest.fixture(scope="module")
def server(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    session = {"session": {"catalog": lake.name, "schema": lake.root}}
    with Server(configure(folder, catalogs(lake), session)) as running:
        yield running


def test_tables_with_the_branch_are_read_on_it_until_it_is_unset(server: Server) -> None:
    both = "SELECT (SELECT count(*) FROM staged) AS a, (SELECT count(*) FROM plain) AS b"
    with adbc(server) as connection:
        assert rows(connection, both) == [(3, 1)]
        connection.adbc_connection.set_options(**{BRANCH: "audit"})
        assert connection.adbc_connection.get_option(BRANCH) == "audit"
        assert rows(connection, both) == [(1, 1)]
        assert rows(connection, "SELECT count(*) FROM staged FOR VERSION AS OF 'main'") == [(3,)]
        connection.adbc_connection.set_options(**{BRANCH: ""})
        assert rows(connection, both) == [(3, 1)]


def test_a_prepared_statement_keeps_the_branch_it_was_made_with(server: Server) -> None:
    with adbc(server) as connection:
        connection.adbc_connection.set_options(**{BRANCH: "audit"})
        with connection.cursor() as cursor:
            cursor.adbc_prepare("SELECT count(*) FROM staged")
            connection.adbc_connection.set_options(**{BRANCH: ""})
            cursor.execute("SELECT count(*) FROM staged")
            assert cursor.fetchall() == [(1,)]


def test_another_session_does_not_see_it(server: Server) -> None:
    with adbc(server) as one, adbc(server) as other:
        one.adbc_connection.set_options(**{BRANCH: "audit"})
        assert rows(other, "SELECT count(*) FROM staged") == [(3,)]
        assert rows(one, "SELECT count(*) FROM staged") == [(1,)]
