"""Every table of the corpus is read as Spark reads it, or refused; which, ``refused.txt`` says."""

from collections.abc import Iterator

import pytest

from tests.corpus import reading
from tests.fix_engine import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with reading.opened(tmp_path_factory.mktemp("spill")) as opened:
        yield opened


@pytest.mark.parametrize("name", reading.names())
def test_a_table_is_read_as_spark_reads_it_or_is_refused(lab: Lab, name: str) -> None:
    document = reading.answer(name)
    listed = reading.refused()
    found = []
    for state in reading.states(document):
        expected_to_fail = state.key in listed
        reason = reading.refusal(lab, state)
        if reason is None and expected_to_fail:
            found.append(f"{state.key} is read now: take it off refused.txt")
        if reason is not None and not expected_to_fail:
            found.append(f"{state.key} is refused and not on the list: {reason}")
        if document["reader"] == "nobody":
            assert reason is not None, "nobody could say what is in this table"
            continue
        lines = reading.differences(lab, state, tolerant=reason is not None)
        found += [f"{state.key}: {line}" for line in lines]
    assert not found, "\n" + "\n".join(found)


def test_the_list_of_refusals_names_states_of_the_corpus_and_their_reasons(lab: Lab) -> None:
    listed = reading.refused()
    found = reading.refusals(lab)
    assert listed == found, "run `make corpus-refused` and look at what it changed"
