import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from flightlake.demo import lakehouse
from flightlake.errors import Conflict, PreconditionFailed

SCALE = 0.001

KILLED_WHILE_BUILDING = """
import os, signal, sys
from pathlib import Path
from flightlake.demo import lakehouse

def report(what):
    if what == "writing tpch.orders":
        os.kill(os.getpid(), signal.SIGKILL)

with lakehouse.locked(Path(sys.argv[1])) as directory:
    lakehouse.build(directory, 0.001, report)
"""


def nothing(what: str) -> None:
    """Take no note."""


def build(directory: Path) -> lakehouse.Lakehouse:
    with lakehouse.locked(directory) as held:
        return lakehouse.build(held, SCALE, nothing)


def tables_of(built: lakehouse.Lakehouse) -> dict[str, int]:
    catalog = SqlCatalog(lakehouse.CATALOG, uri=built.uri, warehouse=built.warehouse)
    try:
        return {
            ".".join(name): catalog.load_table(name).scan().to_arrow().num_rows
            for namespace in (("bronze", "inventory"), ("tpch",))
            for name in catalog.list_tables(namespace)
        }
    finally:
        catalog.close()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> lakehouse.Lakehouse:
    return build(tmp_path_factory.mktemp("with a space in it"))


def test_every_table_is_there_with_its_rows(built: lakehouse.Lakehouse) -> None:
    rows = tables_of(built)
    assert len(rows) == 11
    assert rows["bronze.inventory.customers"] == 4
    assert rows["bronze.inventory.products"] == 9
    assert rows["bronze.inventory.orders"] == 4
    assert rows["tpch.orders"] == 1500


def test_a_whole_lakehouse_is_found_again(built: lakehouse.Lakehouse) -> None:
    assert lakehouse.find(built.directory) == built


def test_nothing_is_found_in_an_empty_folder(tmp_path: Path) -> None:
    assert lakehouse.find(tmp_path) is None


def test_a_lakehouse_that_was_moved_is_not_whole(
    built: lakehouse.Lakehouse, tmp_path: Path
) -> None:
    shutil.copytree(built.directory, tmp_path / "elsewhere")
    assert lakehouse.find(tmp_path / "elsewhere") is None


def test_a_damaged_mark_is_not_trusted(tmp_path: Path) -> None:
    for damaged in ("", "[]", '{"format": 1}', '{"format": 1, "scale": "big"}'):
        (tmp_path / "lakehouse.json").write_text(damaged)
        assert lakehouse.find(tmp_path) is None


def test_a_build_that_was_killed_is_noticed_and_made_anew(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_BUILDING, str(tmp_path)], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "catalog.db").exists()
    assert lakehouse.find(tmp_path) is None

    rebuilt = build(tmp_path)
    assert lakehouse.find(tmp_path) == rebuilt
    assert len(tables_of(rebuilt)) == 11


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("all my work")
    with pytest.raises(PreconditionFailed, match=r"holds thesis\.tex, which no demo made"):
        build(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "all my work"


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    with (
        lakehouse.locked(tmp_path),
        pytest.raises(Conflict, match="another demo uses"),
        lakehouse.locked(tmp_path),
    ):
        pass
