"""Whatever pyiceberg does to a table: flightlake reads what pyiceberg reads, at every snapshot."""

import os
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.corpus.canonical import bag, type_name
from tests.fix_catalogs import Lake, sqlite_lake
from tests.fix_engine import Defaults, Lab, engine_on
from tests.fix_writer_story import Story

SEEDS = range(int(os.environ.get("FLIGHTLAKE_STORIES", "12")))
"""More of them: ``FLIGHTLAKE_STORIES=500 make test ARGS=tests/property/test_writer_stories.py``."""
LENGTH = 14
FILTERS = 4


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lake, Lab]]:
    folder = tmp_path_factory.mktemp("stories")
    lake = sqlite_lake(folder)
    engine = engine_on({lake.name: lake.open()}, folder / "spill")
    yield lake, Lab(engine, Defaults(lake.name, lake.root))
    engine.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_every_snapshot_is_read_as_its_writer_reads_it(world: tuple[Lake, Lab], seed: int) -> None:
    lake, lab = world
    story = Story(lake, seed)
    while len(story.told) < LENGTH:
        story.go_on()
    found = list(differences(lab, story))
    assert not found, "\n".join([*story.told, *found])


def differences(lab: Lab, story: Story) -> Iterator[str]:
    states = [("now", "", story.table.scan())]
    for snapshot in story.table.metadata.snapshots:
        id_ = snapshot.snapshot_id
        states.append((str(id_), f" FOR VERSION AS OF {id_}", story.table.scan(snapshot_id=id_)))
    for _ in range(FILTERS):
        chosen, sql = story.condition()
        states.append((sql, f" WHERE {sql}", story.table.scan(row_filter=chosen)))
    for name, rest, scan in states:
        expected = scan.to_arrow()
        ours = lab.collect(lab.plan(f"SELECT * FROM {story.name}{rest}"))
        shapes = [
            [(field.name, type_name(field.type)) for field in table.schema]
            for table in (expected, ours)
        ]
        if shapes[0] != shapes[1]:
            yield f"{name}: columns {shapes[1]}, but pyiceberg's are {shapes[0]}"
        theirs, read = Counter(bag(expected)), Counter(bag(ours))
        if theirs != read:
            lost, strange = list((theirs - read).elements()), list((read - theirs).elements())
            yield f"{name}: lost {lost[:3]}; not pyiceberg's {strange[:3]}"
        ((count,),) = lab.rows(f"SELECT count(*) FROM {story.name}{rest}")
        if count != expected.num_rows:
            yield f"{name}: count(*) is {count} and not {expected.num_rows}"
