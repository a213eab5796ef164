"""No file and no class outgrows its room."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("flightlake", "tests", "bench", "proto")
GENERATED = ROOT / "flightlake" / "_proto"
SOURCES = {
    str(path.relative_to(ROOT)): path.read_text()
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
    if GENERATED not in path.parents
}


def test_a_file_has_at_most_300_lines() -> None:
    lines = {name: len(text.splitlines()) for name, text in SOURCES.items()}
    assert len(lines) > 300
    assert {name: many for name, many in lines.items() if many > 300} == {}


def test_a_class_has_at_most_200_lines() -> None:
    lines = {
        f"{name}: {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for name, text in SOURCES.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef)
    }
    assert len(lines) > 300
    assert {name: many for name, many in lines.items() if many > 200} == {}
