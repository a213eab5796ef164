import random

from flightlake.names import TableIdentifier
from flightlake.project.ordering import downstream, ordered


def view(name: str) -> TableIdentifier:
    return TableIdentifier("c", "s", name)


def graph(**reads: str) -> dict[TableIdentifier, list[TableIdentifier]]:
    return {view(name): [view(source) for source in sources] for name, sources in reads.items()}


def names(views: object) -> str:
    return "".join(one.table for one in views)  # type: ignore[attr-defined]


def test_each_view_comes_after_those_it_reads() -> None:
    chance = random.Random(4)  # noqa: S311 - so that each run tries the same
    for _ in range(200):
        letters = "abcdefgh"
        shuffled = chance.sample(letters, len(letters))
        reads = {
            name: "".join(chance.sample(shuffled[:place], chance.randint(0, place)))
            for place, name in enumerate(shuffled)
        }
        order = ordered(graph(**reads))
        assert order.cycles == ()
        found = names(order.views)
        assert sorted(found) == list(letters)
        for name, sources in reads.items():
            assert all(found.index(source) < found.index(name) for source in sources)


def test_every_ring_is_found_with_all_its_members_in_the_order_they_read_each_other() -> None:
    order = ordered(graph(a="b", b="c", c="a", d="a", e="", f="e", g="g", h="d", x="y", y="xf"))
    assert [names(ring) for ring in order.cycles] == ["abc", "g", "xy"]
    assert names(order.views) == "ef"
    assert names(order.behind) == "dh"


def test_downstream_is_transitive_and_holds_the_views_themselves() -> None:
    reads = graph(a="", b="a", c="b", d="", e="cd")
    assert names(sorted(downstream({view("b")}, reads))) == "bce"
