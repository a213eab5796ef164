"""Whether a table has so many small files, or small manifests, that they are put together."""

from dataclasses import dataclass

from flightlake.cancellation import Cancellation
from flightlake.lake.arranging import Arranger
from flightlake.lake.listed_manifests import listed
from flightlake.lake.new_files import StoreFiles
from flightlake.lake.pinned import Pinned
from flightlake.lake.planning import Planner
from flightlake.lake.predicates import Anything
from flightlake.lake.small_files import Lot, Smallness, lots
from flightlake.lake.writing import Committed


@dataclass(frozen=True, slots=True)
class Crowding:
    """Which files are put together (``lots``), and whether ``manifests`` are."""

    lots: list[Lot]
    manifests: bool


def crowding(
    table: Committed, planner: Planner, small: Smallness, file_bytes: int, call: Cancellation
) -> Crowding:
    """Return what of *table* is to be put together, at its head.

    Raises:
        DamagedData, Unsupported: Its metadata cannot be read.
        NotReady: The store does not answer.
        FlightlakeError: The reason of *call*.
    """
    metadata, name = table.metadata, str(table.identifier)
    head = metadata.current_snapshot()
    if head is None:
        return Crowding([], False)
    said = head.summary.get("total-data-files") if head.summary else None
    few = said is not None and said.isdecimal() and int(said) < small.least
    spec_id = metadata.default_spec_id
    found: list[Lot] = []
    if not few:
        pinned = Pinned(name, metadata, metadata.schema(), head.manifest_list, table.store)
        chosen = planner.choose(pinned, Anything(), call).by_manifest
        found = lots(chosen, spec_id, head.manifest_list, small, file_bytes)
    manifests = listed(head, StoreFiles(table.store, f"table {name}"))
    return Crowding(found, Arranger({}, small, spec_id, call).crowded(manifests))
