from flightlake.demo.following import TARGET_LAG
from flightlake.demo.inventory_views import FOLDER, NAME
from flightlake.project.files import read_project
from tests.components import ROOT


def test_the_example_is_the_demo_s_project() -> None:
    assert (ROOT / "examples" / NAME).resolve() == FOLDER
    assert read_project(ROOT / "examples" / NAME).name == NAME


def test_it_has_the_views_of_the_tutorial() -> None:
    project = read_project(FOLDER, NAME)
    assert project.problems == ()
    clauses = {file.view.table: [one.clause for one in file.settings] for file in project.files}
    assert sorted(clauses) == [
        "dim_customer",
        "dim_product",
        "fact_order",
        "monthly_ordered_weight",
    ]
    assert f"TARGET_LAG = '{TARGET_LAG} seconds'" in clauses["monthly_ordered_weight"]
