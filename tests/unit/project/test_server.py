from flightlake.names import TableIdentifier
from flightlake.project.server import Column, explain_head, explained, identifier, quoted

ODD = TableIdentifier("lake", "bronze.inventory", 'Odd "Name" x')


def test_names_come_back_as_they_were() -> None:
    for name in (ODD, TableIdentifier("a", "b", "c"), TableIdentifier('"', '""', ".")):
        assert identifier(str(name)) == name
        assert identifier(quoted(name)) == name


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
