"""Prepared statements: all in the handle, which is its maker's alone."""

from datetime import timedelta

import pyarrow as pa
import pytest

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.errors import InvalidRequest, InvalidSql, NotFound, Overloaded, Unsupported
from tests.fix_engine import in_thread
from tests.fix_sessions import Desk, desk, query_services

__all__ = ["desk", "query_services"]

BY_ID = "SELECT id FROM few WHERE id = ?"


def ids(*values: int) -> pa.Table:
    return pa.table({"": pa.array(values, pa.int64())})


def test_creating_tells_both_schemas(desk: Desk) -> None:
    made = desk.prepare("SELECT name FROM few WHERE id = ? AND name = ?")
    parameters = pa.ipc.read_schema(pa.py_buffer(made.parameter_schema))
    assert parameters.types == [pa.int64(), pa.string()]
    assert pa.ipc.read_schema(pa.py_buffer(made.dataset_schema)).names == ["name"]
    assert not made.is_update


def test_wrong_statement_and_transaction_are_refused(desk: Desk) -> None:
    with pytest.raises(InvalidSql):
        desk.prepare("SELECT nope FROM few")
    with pytest.raises(Unsupported):
        desk.act(
            "CreatePreparedStatement",
            pb.ActionCreatePreparedStatementRequest(query="SELECT 1", transaction_id=b"1"),
        )


def test_statement_is_executed_any_number_of_times(desk: Desk) -> None:
    handle = desk.prepare("SELECT count(*) FROM few").prepared_statement_handle
    for _ in range(3):
        assert desk.execute(handle).column(0).to_pylist() == [6]


def test_parameters_are_in_the_handle_that_binding_answers_with(desk: Desk) -> None:
    handle = desk.prepare(BY_ID).prepared_statement_handle
    one, ten = desk.bind(handle, ids(1)), desk.bind(handle, ids(10))
    assert desk.execute(ten).column(0).to_pylist() == [10]
    assert desk.execute(one).column(0).to_pylist() == [1]
    assert desk.execute(desk.bind(one, ids(20))).column(0).to_pylist() == [20]
    with pytest.raises(InvalidRequest, match="none are bound"):
        desk.execute(handle)


def test_rows_bound_together_give_one_result(desk: Desk) -> None:
    handle = desk.prepare(BY_ID).prepared_statement_handle
    assert desk.execute(desk.bind(handle, ids(20, 99, 1, 1))).column(0).to_pylist() == [20, 1, 1]
    assert desk.execute(desk.bind(handle, ids())).num_rows == 0


def test_concurrent_bindings_do_not_mix(desk: Desk) -> None:
    handle = desk.prepare("SELECT ?").prepared_statement_handle

    def work(number: int) -> None:
        for step in range(8):
            value = number * 100 + step
            bound = desk.bind(handle, ids(value))
            assert desk.execute(bound).column(0).to_pylist() == [value]

    # As many as may run and wait.
    for thread in [in_thread(lambda number=number: work(number)) for number in range(6)]:
        thread.result(600)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, "has 1 parameters and 0 are bound"),
        (pa.table({"a": [1], "b": [2]}), "has 1 parameters and 2 are bound"),
        (pa.table({"a": ["not a number"]}), r"parameter \$1 is int64"),
    ],
)
def test_what_does_not_fit_is_refused_when_it_is_bound(
    desk: Desk, table: pa.Table | None, message: str
) -> None:
    handle = desk.prepare(BY_ID).prepared_statement_handle
    with pytest.raises(InvalidRequest, match=message):
        desk.bind(handle, table)


def test_columns_may_have_the_same_name(desk: Desk) -> None:
    handle = desk.prepare("SELECT ?, ?").prepared_statement_handle
    table = pa.Table.from_arrays([pa.array([1]), pa.array(["x"])], names=["same", "same"])
    result = desk.execute(desk.bind(handle, table))
    assert [column.to_pylist() for column in result.columns] == [[1], ["x"]]


def test_too_much_is_refused(desk: Desk) -> None:
    handle = desk.prepare("SELECT ?").prepared_statement_handle
    with pytest.raises(Overloaded, match="put them into a table"):
        desk.bind(handle, pa.table({"a": ["x" * (1 << 21)]}))


def test_handle_is_its_makers_alone_and_expires(desk: Desk) -> None:
    handle = desk.prepare(BY_ID).prepared_statement_handle
    mallory = desk.call("mallory")
    close = pb.ActionClosePreparedStatementRequest(prepared_statement_handle=handle)
    with pytest.raises(NotFound, match="not one that was made for you"):
        desk.bind(handle, ids(1), mallory)
    with pytest.raises(NotFound):
        desk.execute(handle, mallory)
    with pytest.raises(NotFound):
        desk.act("ClosePreparedStatement", close, mallory)
    assert desk.act("ClosePreparedStatement", close) == []
    desk.clock.advance(timedelta(days=2))
    with pytest.raises(NotFound, match="expired"):
        desk.bind(handle, ids(1))


def test_ticket_is_not_a_handle(desk: Desk) -> None:
    ticket = desk.query("SELECT 1").ticket
    with pytest.raises(NotFound):
        desk.execute(ticket.statement_handle)  # type: ignore[attr-defined]
