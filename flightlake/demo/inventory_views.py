"""The demo's materialized views: the project examples/inventory, and a question to its gold."""

from pathlib import Path

from flightlake.demo.examples import Example
from flightlake.project.applying import apply as apply_plan
from flightlake.project.files import read_project
from flightlake.project.planning import plan
from flightlake.project.server import Server

FOLDER = Path(__file__).with_name("inventory_project")
NAME = "inventory"

GOLD = Example(
    "How much is ordered each month? (gold, a materialized view of views)",
    """\
SELECT month, orders, customers, items, weight
FROM lake."gold.inventory".monthly_ordered_weight
ORDER BY month""",
)


def apply(server: Server) -> str:
    """Make *server* have the views of the project; return a sentence that says what was done.

    Raises:
        FlightlakeError: It could not be done.
    """
    checked, made = plan(read_project(FOLDER, NAME), server, prune=False)
    done = apply_plan(checked, made, server, lambda one: None)
    said = f"{done} of its views were made or refreshed" if done else "all its views are there"
    return f"The project examples/inventory was applied: {said} ({len(checked.views)} in all)."
