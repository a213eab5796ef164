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


def imported() -> dict[str, str]:
    """Return the outermost modules that flightlake imports, each with a file that does."""
    found: dict[str, str] = {}
    for path in (ROOT / "flightlake").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules: list[str] = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            for module in modules:
                found[module] = str(path.relative_to(ROOT))
    return found


def test_every_package_that_is_imported_is_a_declared_dependency() -> None:
    """Not only by way of others, which may stop needing it."""
    declared = names(PROJECT["dependencies"])
    brought = metadata.packages_distributions()
    undeclared = {}
    for module, file in imported().items():
        top = module.split(".")[0]
        if top in sys.stdlib_module_names or top == "flightlake":
            continue
        # `google` is shared by several distributions; ours is protobuf.
        distributions = (
            {"protobuf"} if top == "google" else {d.lower().replace("_", "-") for d in brought[top]}
        )
        if not distributions & declared:
            undeclared[top] = file
    assert undeclared == {}


def test_every_dependency_has_an_exact_version() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.+!-]+( ;.*)?", line)] == []
    pinned = {line.split("==")[0] for line in lines}
    extras = [r for group in PROJECT["optional-dependencies"].values() for r in group]
    assert names(PROJECT["dependencies"]) | names(extras) <= pinned | {"flightlake"}
