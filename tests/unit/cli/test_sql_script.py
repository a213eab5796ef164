import pytest

from flightlake.cli.sql_script import split, whole


@pytest.mark.parametrize(
    ("text", "statements", "rest"),
    [
        ("", (), ""),
        ("select 1", (), "select 1"),
        ("select 1;", ("select 1",), ""),
        (" select 1 ; select 2 ; ", ("select 1", "select 2"), ""),
        (";;select 1;;", ("select 1",), ""),
        ("select ';', ''';'; x", ("select ';', ''';'",), "x"),
        ('select ";" ;', ('select ";"',), ""),
        ('select "a"";" ;', ('select "a"";"',), ""),
        ("select 'open; ", (), "select 'open;"),
        ("select 1 -- ; no\n; select 2", ("select 1 -- ; no",), "select 2"),
        ("select /* ; /* ; */ ; */ 1; x", ("select /* ; /* ; */ ; */ 1",), "x"),
        ("select /* open ; ", (), "select /* open ;"),
        ("select $$;$$; x", ("select $$;$$",), "x"),
        ("select $t$;$$;$t$; x", ("select $t$;$$;$t$",), "x"),
        ("select $1; select $2", ("select $1",), "select $2"),
        ("-- nothing but words;\n/* and more; */ ;", (), ""),
        ("-- nothing", (), ""),
        ("select 5 - -1 / 2;", ("select 5 - -1 / 2",), ""),
    ],
)
def test_a_semicolon_ends_a_statement_only_outside_quotes_and_comments(
    text: str, statements: tuple[str, ...], rest: str
) -> None:
    script = split(text)
    assert script.statements == statements
    assert script.rest == rest


def test_the_last_statement_of_a_file_needs_no_semicolon() -> None:
    assert whole("select 1;\nselect 2\n") == ("select 1", "select 2")
