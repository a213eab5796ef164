"""Every table of the corpus is read as Spark reads it, or refused; which, ``refused.txt`` says."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.corpus import reading
from tests.corpus.reading import Survey

# What is wrong, and not refused.  Each is a defect: the test fails when one is mended.
DEFECTS: dict[str, str] = {}

Surveys = Callable[[str], Survey]


@pytest.fixture(scope="module")
def surveys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surveys]:
    with reading.opened(tmp_path_factory.mktemp("spill")) as lab:
        yield functools.cache(lambda name: reading.survey(lab, name))


def _named(name: str) -> Any:
    if name not in DEFECTS:
        return name
    return pytest.param(name, marks=pytest.mark.xfail(reason=DEFECTS[name]))


@pytest.mark.parametrize("name", [_named(name) for name in reading.names()])
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


def test_the_corpus_is_as_large_as_it_is_said_to_be() -> None:
    features = reading.features()
    assert len(features) >= 450
    assert sum("deletes" in words for words in features.values()) >= 120
