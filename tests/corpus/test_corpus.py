"""Every table of the corpus is read as Spark reads it, or refused; which, ``refused.txt`` says."""

import functools
from collections.abc import Callable, Iterator

import pytest

from tests.corpus import reading
from tests.corpus.reading import Survey

Surveys = Callable[[str], Survey]


@pytest.fixture(scope="module")
def surveys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surveys]:
    with reading.opened(tmp_path_factory.mktemp("spill")) as lab:
        yield functools.cache(lambda name: reading.survey(lab, name))


@pytest.mark.parametrize("name", reading.names())
def test_a_table_is_read_as_spark_reads_it_or_is_refused(surveys: Surveys, name: str) -> None:
    survey = surveys(name)
    listed = {key for key in reading.refused() if key.partition("@")[0] == name}
    found = [f"{key} is read now: take it off refused.txt" for key in listed - {*survey.refused}]
    for key in survey.refused.keys() - listed:
        found.append(f"{key} is refused and not on the list: {survey.refused[key]}")
    if found or survey.different:
        pytest.fail("\n".join([*found, *survey.different]), pytrace=False)


def test_the_list_of_refusals_gives_the_reasons_that_clients_are_given(surveys: Surveys) -> None:
    found: dict[str, str] = {}
    for name in reading.names():
        found |= surveys(name).refused
    assert reading.refused() == found, "run `make corpus-refused` and look at what it changed"
