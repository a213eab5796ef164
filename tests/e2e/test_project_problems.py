"""What is wrong with a project, told by ``flightlake plan`` all at once."""

from tests.fix_project import Works, write


def test_all_that_is_wrong_is_told_at_once_with_its_place(works: Works) -> None:
    write(
        works.folder,
        {
            "lake/gold/a.sql": "-- target_lagg: 5 minutes\n-- refresh_mode: sometimes\n"
            "\nSELECT totl FROM dear",
            "lake/gold/b.sql": "SELECT * FROM dear JOIN c USING (total)",
            "lake/gold/c.sql": "SELECT * FROM b",
            "lake/gold/d.sql": "SELECT item\nFROM dear WHERE total >> >",
            "lake/gold/e.sql": "SELECT 1 AS a\nFROM lake.shop.ordres -- ordres",
            "lake/gold/f.sql": "SELECT item + 1 AS x\nFROM dear",
            "lake/gold/g.sql": "SELECT item, total AS item FROM dear",
            "lake/gold/h.sql": "\n\nSELECT now() AS n",
            "lake/gold/i.sql": "-- partitioned_by: month(nope)\nSELECT item FROM dear",
            "lake/gold/j.sql": "SELECT total FROM j",
            "lake/gold/k.sql": "SELECT total FROM c",
            "lake/gold/l.sql": "-- schedule: every 5 apples\n-- target_lag: soon\n"
            "-- target_lag: 1 h\nSELECT 1 AS one",
            "lake/gold/m.sql": "-- partitioned_by: a) AS SELECT (1\nSELECT 1 AS a",
            "lake/gold/n.sql": "-- refresh_mode: full\n",
            "lake/gold/twice.sql": "SELECT 1 AS a; SELECT 2 AS b",
            "lake/gold/open.sql": "-- comment: a\n\nSELECT\n 'open AS a",
            "lake/gold/open_too.sql": "SELECT 1 AS a /* open\n",
            "lake/shop/stock.sql": "SELECT 1 AS a",
            "lake/nowhere/p.sql": "SELECT 1 AS a",
            "elsewhere/gold/q.sql": "SELECT 1 AS a",
            "lake/r.sql": "SELECT 1 AS a",
            "lake/bronze/inventory/s.sql": "SELECT 1 AS a",
            "lake/bronze.inventory/s.sql": "SELECT 1 AS a",
        },
    )
    found = works.problems()
    places = {(path, line, column) for path, line, column, _ in found}
    words = {(path, line): message for path, line, _, message in found}
    for path, line, column, said in [
        ("lake/gold/a.sql", 1, 4, "did you mean 'target_lag'?"),
        ("lake/gold/a.sql", 2, None, "AUTO, FULL or INCREMENTAL is expected"),
        ("lake/gold/a.sql", 4, 8, "did you mean 'total'?"),
        ("lake/gold/b.sql", 1, 25, "lake.gold.b → lake.gold.c → lake.gold.b"),
        ("lake/gold/d.sql", 2, 26, "syntax error"),
        ("lake/gold/e.sql", 2, 16, "did you mean 'orders'?"),
        ("lake/gold/f.sql", 1, None, "Cannot coerce"),
        ("lake/gold/h.sql", 3, None, "now does not"),
        ("lake/gold/i.sql", 1, None, "no column 'nope'"),
        ("lake/gold/j.sql", 1, 19, "reads itself"),
        ("lake/gold/k.sql", 1, 19, "not checked, as it reads lake.gold.c"),
        ("lake/gold/l.sql", 1, None, "'5 apples'"),
        ("lake/gold/l.sql", 2, None, "'soon'"),
        ("lake/gold/l.sql", 3, 4, "given in line 2 already"),
        ("lake/gold/m.sql", 1, 4, "a list such as month(day)"),
        ("lake/gold/n.sql", None, None, "holds no query"),
        ("lake/gold/open.sql", 4, 2, "a quoted text has no end"),
        ("lake/gold/open_too.sql", 1, 15, "a comment has no end"),
        ("lake/shop/stock.sql", 1, None, "is a table"),
        ("lake/nowhere/p.sql", 1, None, "no schema 'nowhere'"),
        ("elsewhere/gold/q.sql", 1, None, "catalog 'elsewhere' does not exist"),
        ("lake/r.sql", None, None, "catalog/schema/name.sql"),
        ("lake/bronze.inventory/s.sql", None, None, "is also made by"),
    ]:
        assert said in words[path, line], path
        assert (path, line, column) in places, (path, line, column, places)
    assert any(path == "lake/gold/g.sql" for path, *_ in places)
    assert ("lake/gold/twice.sql", 1, 14) in places
    assert works.snapshots() == {}

    told = works.apply()
    assert told.code == 1
    assert "lake/gold/e.sql:2:16: table lake.shop.ordres does not exist" in told.err
    assert works.snapshots() == {}


def test_names_in_a_query_are_those_of_views_or_its_own(works: Works) -> None:
    # Also not to the guess at what will be loaded, which knows no list of columns.
    write(
        works.folder,
        {
            "lake/gold/own.sql": "WITH own(a) AS (SELECT 1), dear(b) AS (SELECT 2)\n"
            "SELECT a, b, item FROM own, dear, lake.silver.items",
            "lake/gold/after.sql": "SELECT a FROM own, lake.silver.items",
            'lake/gold/z "q".sql': "SELECT 1 AS a",
            "lake/gold/a.sql": 'SELECT a FROM "z ""q"""',
        },
    )
    kinds = list(works.changes())
    assert kinds.index("create lake.gold.own") < kinds.index("create lake.gold.after")
    assert kinds.index('create lake.gold."z ""q"""') < kinds.index("create lake.gold.a")
