"""Write the corpus: ``python -m tests.corpus.writers JARS [PATTERN …]``."""

import fnmatch
import json
import sys
import time
import traceback
from pathlib import Path

from tests.corpus.place import ANSWERS, ARCHIVE, held, pack, unpack
from tests.corpus.writers import (
    added_files,
    by_duckdb,
    by_pyiceberg,
    deletes,
    equality,
    evolution,
    formats,
    maintenance,
    names,
    typed,
    typed_deletes,
)
from tests.corpus.writers.answers import answer
from tests.corpus.writers.recipe import Recipe
from tests.corpus.writers.workshop import Workshop

_SOURCES = (
    typed.recipes,
    deletes.recipes,
    equality.recipes,
    typed_deletes.recipes,
    evolution.recipes,
    maintenance.recipes,
    names.recipes,
    formats.recipes,
    by_pyiceberg.recipes,
    added_files.recipes,
    by_duckdb.recipes,
)


def main(jars: str, *patterns: str) -> int:
    """Write all tables; with *patterns* only those, and keep the others of the archive."""
    recipes = [recipe for source in _SOURCES for recipe in source()]
    known = [recipe.name for recipe in recipes]
    twice = sorted({name for name in known if known.count(name) > 1})
    if twice:
        raise SystemExit(f"two recipes for {', '.join(twice)}")
    wanted = [
        r for r in recipes if not patterns or any(fnmatch.fnmatch(r.name, p) for p in patterns)
    ]
    failed = []
    with held():
        if patterns and ARCHIVE.exists():
            unpack()
        workshop = Workshop(Path(jars))
        for left in {path.stem for path in ANSWERS.glob("*.json")} - {*known}:
            _forget(workshop, left)
        for number, recipe in enumerate(wanted, 1):
            start = time.monotonic()
            try:
                _write(workshop, recipe)
            except Exception:  # noqa: BLE001 - the others are written all the same
                traceback.print_exc()
                failed.append(recipe.name)
                _forget(workshop, recipe.name)
            took = time.monotonic() - start
            print(f"{number}/{len(wanted)} {recipe.name} {took:.1f}s", flush=True)
        workshop.close()
        _list()
        pack()
    print(f"{ARCHIVE.name}: {ARCHIVE.stat().st_size} bytes; failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


def _list() -> None:
    """Write the names of the tables with their features, which tests are made from."""
    lines = []
    for path in sorted(ANSWERS.glob("*.json")):
        document = json.loads(path.read_text())
        features = " ".join(document["features"])
        lines.append(f"{path.stem}\t{document['writer']}>{document['reader']}\t{features}\n")
    ARCHIVE.with_name("tables.txt").write_text("".join(lines))


def _write(workshop: Workshop, recipe: Recipe) -> None:
    _forget(workshop, recipe.name)
    workshop.make(recipe)
    answer(workshop, recipe)


def _forget(workshop: Workshop, name: str) -> None:
    workshop.forget(name)
    (ANSWERS / f"{name}.json").unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
