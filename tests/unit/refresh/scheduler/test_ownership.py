"""All processes agree on who looks after a view, and few views move when one comes or goes."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from flightlake.names import TableIdentifier
from flightlake.refresh.scheduler.ownership import Peers, member, owner

VIEWS = [TableIdentifier("lake", "shop", f"v{number}") for number in range(1000)]
_members = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=6, unique=True)


@given(_members, st.randoms(use_true_random=False))
def test_all_agree_in_whatever_order_they_know_each_other(members, random) -> None:
    shuffled = list(members)
    random.shuffle(shuffled)
    for view in VIEWS[:20]:
        assert owner(view, members) == owner(view, shuffled)


def test_the_work_is_shared_evenly() -> None:
    counts = Counter(owner(view, ["a", "b", "c", "d"]) for view in VIEWS)
    assert all(200 < count < 300 for count in counts.values())


def test_only_the_views_of_one_that_goes_move() -> None:
    before = {view: owner(view, ["a", "b", "c"]) for view in VIEWS}
    after = {view: owner(view, ["a", "c"]) for view in VIEWS}
    for view, was in before.items():
        if was != "b":
            assert after[view] == was
    assert {after[view] for view, was in before.items() if was == "b"} == {"a", "c"}


def test_a_view_falls_to_one_that_knows_its_catalog_by_that_name() -> None:
    members = [member("a", ["lake", "own"]), member("b", ["lake"]), member("c", ["pond"])]
    assert {owner(view, members) for view in VIEWS} == set(members[:2])
    own = [TableIdentifier("own", one.db_schema, one.table) for one in VIEWS]
    assert {owner(view, members) for view in own} == {members[0]}
    # Nobody says so, or somebody cannot say: then it may be anybody's.
    other = [TableIdentifier("sea", one.db_schema, one.table) for one in VIEWS]
    assert {owner(view, members) for view in other} == set(members)
    vague = member("d", [f"catalog_{number}" for number in range(100)])
    assert vague == "d"
    assert {owner(view, [*members, vague]) for view in own} == {members[0], vague}


def test_alone_everything_is_mine() -> None:
    alone = Peers("me")
    assert {owner(view, alone.alive()) for view in VIEWS} == {"me"}
    assert set(Peers("me", ("you",)).alive()) == {"me", "you"}
