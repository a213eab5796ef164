from typing import Any

import pytest

from flightlake.errors import Conflict
from flightlake.names import TableIdentifier
from flightlake.project.server import (
    Column,
    explain_head,
    explained,
    identifier,
    insist,
    placed,
    quoted,
)

ODD = TableIdentifier("lake", "bronze.inventory", 'Odd "Name" x')


def test_names_come_back_as_they_were() -> None:
    for name in (ODD, TableIdentifier("a", "b", "c"), TableIdentifier('"', '""', ".")):
        assert identifier(str(name)) == name
        assert identifier(quoted(name)) == name


class Contended:
    """A server at which others are first, *times* in a row."""

    def __init__(self, times: int) -> None:
        self.left = times

    def ask(self, sql: str, catalog: str = "", db_schema: str = "") -> list[dict[str, Any]]:
        if self.left:
            self.left -= 1
            raise Conflict("somebody else was first")
        return [{"sql": sql, "catalog": catalog, "db_schema": db_schema}]

    def query(self, sql: str) -> list[dict[str, Any]]:
        return self.ask(sql)


def test_a_statement_says_where_it_is() -> None:
    assert placed("A", "") == "A"
    assert placed("A", "it's") == "ON BRANCH 'it''s' A"
    assert placed("A", "b", "c", 's"') == 'IN SCHEMA "c"."s""" ON BRANCH \'b\' A'


def test_who_loses_a_race_tries_again_but_not_for_ever() -> None:
    assert insist(Contended(3), "A", "c", "s") == [{"sql": "A", "catalog": "c", "db_schema": "s"}]
    with pytest.raises(Conflict):
        insist(Contended(4), "A")


def test_given_views_are_named_before_the_statement() -> None:
    assert explain_head({}) == "EXPLAIN CREATE"
    view = TableIdentifier("c", "s", "v")
    assert explain_head({view: None, ODD: "it's"}) == (
        'EXPLAIN GIVEN "c"."s"."v", "lake"."bronze.inventory"."Odd ""Name"" x" \'it\'\'s\' CREATE'
    )


def test_what_the_server_tells_is_read_by_property() -> None:
    told = [
        ("reads", "a"), ("source", "a"), ("source", "b"), ("column", "n decimal(9, 2)"),
        ("column", '"a ""b"" c" long'), ("schema", "{}"), ("fingerprint", "f"),
        ("setting", "PRIORITY = 7"), ("present", "3"), ("present query", "SELECT 1"),
        ("present rows", "7"), ("present bytes", "70"), ("present problem", "t is gone"),
        ("made of older", "a"), ("something else", "later"),
    ]  # fmt: skip
    found = explained({"property": name, "value": value} for name, value in told)
    assert found.reads == ("a",)
    assert found.sources == ("a", "b")
    assert found.columns == (Column("n", "decimal(9, 2)"), Column('a "b" c', "long"))
    assert found.settings == ("PRIORITY = 7",)
    assert found.present is not None
    assert (found.present.rows, found.present.bytes, found.present.older) == (7, 70, ("a",))
    assert (found.present.fingerprint, found.present.problem) == ("", "t is gone")
    assert explained([{"property": "reads", "value": "a"}]).schema is None
