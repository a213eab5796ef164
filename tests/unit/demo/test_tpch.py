from pathlib import Path

import pyarrow as pa
import pytest

from flightlake.demo import tpch
from flightlake.errors import FlightlakeError, PreconditionFailed


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tpch")
    tpch.generate(0.001, folder)
    return folder


def test_all_eight_tables_are_made(generated: Path) -> None:
    rows = {table: tpch.read(table, generated).read_all().num_rows for table in tpch.TABLES}
    assert rows["region"] == 5
    assert rows["nation"] == 25
    assert rows["customer"] == 150
    assert rows["orders"] == 1500
    assert all(rows.values())


def test_strings_are_plain_and_columns_stay_required(generated: Path) -> None:
    schema = tpch.read("orders", generated).schema
    assert schema.field("o_comment").type == pa.string()
    assert not schema.field("o_orderkey").nullable
    assert schema.field("o_orderkey").metadata is None


def test_a_table_that_tpch_does_not_have_is_refused(generated: Path) -> None:
    with pytest.raises(FlightlakeError, match="shoes is not a TPC-H table"):
        tpch.read("shoes", generated)


def test_the_generator_s_own_complaint_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(PreconditionFailed, match=r"tpchgen-cli could not make the TPC-H data: ."):
        tpch.generate(-1, tmp_path)
