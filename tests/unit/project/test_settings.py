import pytest

from flightlake.project.settings import KNOWN, altering, clauses, read_settings


def read(*lines: str) -> list[str]:
    settings, _, problems = read_settings("a.sql", lines)
    assert problems == []
    return clauses(settings)


@pytest.mark.parametrize(
    ("line", "clause"),
    [
        ("-- target_lag: 5 minutes", "TARGET_LAG = '5 minutes'"),
        ("--target_lag:downstream", "TARGET_LAG = DOWNSTREAM"),
        ("-- TARGET_LAG: it's", "TARGET_LAG = 'it''s'"),
        ("-- schedule: cron 0 3 * * *", "SCHEDULE = 'cron 0 3 * * *'"),
        (
            "-- schedule: cron 0 3 * * * at time zone Europe/Paris",
            "SCHEDULE = 'cron 0 3 * * *' AT TIME ZONE 'Europe/Paris'",
        ),
        ("-- on_change: yes", "ON CHANGE"),
        ("-- on_change: at most every 1 minute", "ON CHANGE AT MOST EVERY '1 minute'"),
        ("-- on_change: x TARGET_LAG = 1", "ON CHANGE AT MOST EVERY 'x TARGET_LAG = 1'"),
        ("-- refresh_mode: full", "REFRESH_MODE = FULL"),
        ("-- refresh_mode: full'", "REFRESH_MODE = 'full'''"),
        ("-- partitioned_by: month(day), region", "PARTITIONED BY (month(day), region)"),
        ("-- comment: a: b -- c", "COMMENT 'a: b -- c'"),
        ("-- priority: 7", "WITH (priority = 7)"),
        ("-- timeout: 1 h", "WITH (timeout = '1 h')"),
    ],
)
def test_a_setting_becomes_a_clause(line: str, clause: str) -> None:
    assert read(line) == [clause]


def test_options_are_in_one_clause() -> None:
    assert read("-- priority: 7", "-- comment: x", "-- suspend_after: 3") == [
        "COMMENT 'x'",
        "WITH (priority = 7, suspend_after = 3)",
    ]


def test_the_comment_at_the_top_ends_with_any_other_line() -> None:
    for end in ("", "SELECT 1", " -- indented", "/* block */"):
        settings, above, problems = read_settings(
            "a.sql", ["-- what it is", "-- comment: x", end, "-- target_lagg: 5"]
        )
        assert [one.name for one in settings] == ["comment"]
        assert (above, problems) == (2, [])
    assert read_settings("a.sql", ["-- comment: x"])[1] == 1
    assert read_settings("a.sql", ["SELECT 1"])[1] == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-- target_lg: 1", "unknown setting 'target_lg'; did you mean 'target_lag'?"),
        ("-- Beware: 1", f"there are {', '.join(KNOWN)}"),
        ("-- comment:", "setting 'comment' has no value"),
        ("-- priority: 8", "setting 'priority' is given in line 1 already"),
        ("-- partitioned_by: a) AS SELECT (1", "a list such as month(day), region"),
        ("-- partitioned_by: (a", "a list such as month(day), region"),
        ("-- partitioned_by: a; b", "a list such as month(day), region"),
    ],
)
def test_what_is_no_setting_is_a_problem_with_its_place(line: str, said: str) -> None:
    _, _, (problem,) = read_settings("a.sql", ["-- priority: 7", line])
    assert said in problem.message
    assert (problem.path, problem.line, problem.column) == ("a.sql", 2, 4)


def test_altering_sets_what_is_new_or_other_and_unsets_what_is_gone() -> None:
    assert altering(["TARGET_LAG = '1 h'", "PRIORITY = 7"], ["TARGET_LAG = '2 h'"]) == [
        "SET (TARGET_LAG = '2 h')",
        "UNSET (PRIORITY)",
    ]
    assert altering([], ["PRIORITY = 7", "COMMENT = 'a = b'"]) == [
        "SET (PRIORITY = 7, COMMENT = 'a = b')"
    ]
    assert altering(["COMMENT = 'a = b'"], []) == ["UNSET (COMMENT)"]
