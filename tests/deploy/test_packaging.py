"""What an installation brings: all that is imported, in versions that are written down."""

import ast
import re
import sys
import tomllib
from importlib import metadata

from tests.components import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", requirement)[0].lower() for requirement in requirements}


OPTIONAL = {"flightlake/lake/hive_client.py": "hive", "flightlake/lake/glue_client.py": "glue"}
"""Modules that need an extra, by file."""


def imported(at_once: bool = False) -> set[tuple[str, str]]:
    """Return the modules that flightlake imports, each with each file that does.

    *at_once* leaves out those imported only by functions.
    """
    found: set[tuple[str, str]] = set()
    for path in (ROOT / "flightlake").rglob("*.py"):
        tree = ast.parse(path.read_text())
        for node in tree.body if at_once else ast.walk(tree):
            modules: list[str] = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            for module in modules:
                found.add((module, str(path.relative_to(ROOT))))
    return found


def test_every_package_that_is_imported_is_a_declared_dependency() -> None:
    """Not only by way of others, which may stop needing it."""
    declared = names(PROJECT["dependencies"])
    brought = metadata.packages_distributions()
    undeclared = {}
    for module, file in imported():
        top = module.split(".")[0]
        if top in sys.stdlib_module_names or top == "flightlake":
            continue
        # `google` is shared by several distributions; ours is protobuf.
        distributions = (
            {"protobuf"} if top == "google" else {d.lower().replace("_", "-") for d in brought[top]}
        )
        extra = PROJECT["optional-dependencies"].get(OPTIONAL.get(file, ""), [])
        if not distributions & (declared | names(extra)):
            undeclared[top] = file
    assert undeclared == {}


def test_what_needs_an_extra_is_imported_only_where_it_is_asked_for() -> None:
    optional = {file.removesuffix(".py").replace("/", ".") for file in OPTIONAL}
    assert {module for module, _ in imported()} >= optional
    assert not {module for module, _ in imported(at_once=True)} & optional


def test_every_dependency_has_an_exact_version() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.+!-]+( ;.*)?", line)] == []
    pinned = {line.split("==")[0] for line in lines}
    extras = [r for group in PROJECT["optional-dependencies"].values() for r in group]
    assert names(PROJECT["dependencies"]) | names(extras) <= pinned | {"flightlake"}
