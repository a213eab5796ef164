import os
from pathlib import Path

import pytest

from flightlake.errors import NotFound, PreconditionFailed
from flightlake.names import TableIdentifier
from flightlake.project.files import project_of, read_project, statement
from tests.fix_project import write


def test_a_path_is_a_name_and_folders_below_a_catalog_are_levels_of_a_schema(
    tmp_path: Path,
) -> None:
    write(
        tmp_path,
        {
            "lake/silver/a.sql": "SELECT 1",
            "lake/bronze.inventory/b.sql": "SELECT 1",
            "lake/bronze/other/c.sql": "SELECT 1",
            "lake/silver/notes.txt": "no view",
            ".git/lake/silver/d.sql": "SELECT 1",
        },
    )
    project = read_project(tmp_path, "shop")
    assert project.problems == ()
    assert {file.view for file in project.files} == {
        TableIdentifier("lake", "silver", "a"),
        TableIdentifier("lake", "bronze.inventory", "b"),
        TableIdentifier("lake", "bronze.other", "c"),
    }


def test_a_project_is_called_like_its_folder_or_as_one_says(tmp_path: Path) -> None:
    folder = write(tmp_path / "shop", {"lake/silver/a.sql": "SELECT 1"})
    assert read_project(folder).name == "shop"
    assert read_project(folder, "other").name == "other"
    for name in ('a"b', "a\nb", "x" * 101):
        with pytest.raises(PreconditionFailed, match="--project"):
            read_project(folder, name)


def test_what_is_no_folder_or_holds_no_view_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NotFound):
            read_project(folder)


def test_all_that_is_wrong_with_files_is_found(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.sql": "SELECT 1",
            "lake/b.sql": "SELECT 1",
            "lake/x/y.z.sql": "SELECT 1",
            "lake/x/.sql": "SELECT 1",
            "lake/x/empty.sql": " \n-- comment only counts as text\n",
            "lake/x/none.sql": "-- comment: x\n\n",
            "lake/x.y/twice.sql": "SELECT 1",
            "lake/x/y/twice.sql": "SELECT 1",
        },
    )
    (tmp_path / "lake/x/latin.sql").write_bytes(b"SELECT '\xe9'")
    problems = {problem.path: problem.message for problem in read_project(tmp_path).problems}
    assert problems == {
        "a.sql": "a view's file is called catalog/schema/name.sql, seen from the project's folder",
        "lake/b.sql": problems["a.sql"],
        "lake/x/y.z.sql": "'y.z' cannot be the name of a view; leave out the dot",
        "lake/x/none.sql": "the file holds no query",
        "lake/x/latin.sql": "the file is no UTF-8 text; save it as such",
        "lake/x.y/twice.sql": (
            'lake."x.y".twice is also made by lake/x/y/twice.sql; keep one of the two files'
        ),
    }


def test_what_cannot_be_read_is_told_and_not_taken_for_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"lake/x/a.sql": "SELECT 1", "lake/closed/b.sql": "SELECT 1"})
    (tmp_path / "lake/x/link.sql").symlink_to(tmp_path / "nowhere.sql")
    Path(os.fsdecode(os.fsencode(tmp_path / "lake/x") + b"/\xff.sql")).write_text("SELECT 1")
    scan = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)  # root may read everything
    problems = {problem.path: problem.message for problem in read_project(tmp_path).problems}
    assert problems.keys() == {"lake/closed", "lake/x/link.sql", "lake/x/\\xff.sql"}
    assert "Permission denied" in problems["lake/closed"]
    assert "No such file" in problems["lake/x/link.sql"]


def test_the_statement_has_the_settings_and_the_query_marked_as_the_project_s(
    tmp_path: Path,
) -> None:
    write(
        tmp_path, {"lake/x/a.sql": "\ufeff-- comment: it's\r\n-- b\r\n\r\nSELECT 1\r\nAS one;\r\n"}
    )
    project = read_project(tmp_path, "shop")
    (file,) = project.files
    assert file.first_line == 3
    sql = statement(file, "shop", "CREATE MATERIALIZED VIEW", file.settings)
    assert sql == (
        'CREATE MATERIALIZED VIEW "lake"."x"."a" COMMENT \'it\'\'s\' AS '
        '-- of flightlake project "shop"\n\nSELECT 1\nAS one;\n'
    )
    assert project_of(sql.partition(" AS ")[2]) == "shop"
    assert project_of('SELECT 1 -- of flightlake project "shop"\n') is None
