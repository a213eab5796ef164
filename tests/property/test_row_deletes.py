"""Whatever is appended, deleted and evolved: flightlake's rows are those the specification says.

The expected rows come from a model that knows only what was written, row by row, and applies
"Scan Planning", "Row-level Deletes" and "Column Projection" of the specification to it.
"""

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from tests.fix_engine import Lab
from tests.fix_row_model import same
from tests.fix_row_story import Draw, Story, World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("deletes"))
    yield made
    made.lab.engine.close()


STEPS = (
    *(["append"] * 4),
    *(["positions", "positions", "vectors", "equality", "equality"]),
    *(["rename", "swap", "reorder", "drop", "add", "widen", "respec"]),
)


@given(data=st.data())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # each step writes files: no shrinking
    print_blob=True,
)
def test_rows_are_those_the_specification_says(world: World, data: Draw) -> None:
    story = Story(world, data.draw)
    story.append()
    for _ in range(data.draw(st.integers(1, 9))):
        step = story.pick(STEPS)
        event(step)
        getattr(story, step)()
        check(world.lab, story)


def check(lab: Lab, story: Story) -> None:
    expected = story.model.rows()
    names = ", ".join(f'"{made["name"]}"' for made in story.table.columns)
    found = [tuple(map(same, row)) for row in lab.rows(f"SELECT {names} FROM hand")]
    assert Counter(found) == Counter(expected)
    assert lab.rows("SELECT count(*) FROM hand") == [(len(expected),)]
    chosen = story.pick(range(len(story.table.columns)))
    name = f'"{story.table.columns[chosen]["name"]}"'
    nulls = [row for row in expected if row[chosen] is None]
    asked = lab.rows(f"SELECT {names} FROM hand WHERE {name} IS NULL")
    assert Counter(tuple(map(same, row)) for row in asked) == Counter(nulls)
    if story.table.columns[chosen]["type"] in ("int", "long"):
        twos = [row for row in expected if row[chosen] == 2]
        asked = lab.rows(f"SELECT {names} FROM hand WHERE {name} = 2")
        assert Counter(tuple(map(same, row)) for row in asked) == Counter(twos)
