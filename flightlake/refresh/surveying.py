"""What a materialized view would be, told without making it, beside what there is of that name.

For those who plan changes of several views: the views that theirs will read can be given, by
columns, before they are there.  Two queries are told apart by meaning (``engine.meaning``): the
fingerprint of the query that is kept is taken anew, with its own defaults, at the same time and
over the same tables as that of the new one.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flightlake.cancellation import Cancellation
from flightlake.engine.engine import Defaults, Survey
from flightlake.engine.meaning import fingerprint
from flightlake.errors import (
    AlreadyExists,
    Cancelled,
    FlightlakeError,
    NotFound,
    NotReady,
    Overloaded,
    TimedOut,
)
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.commits import Committed, current
from flightlake.lake.given import Given, GivenCatalog, to_json, told, with_given
from flightlake.lake.layout_terms import partition_spec
from flightlake.lake.materialized import is_materialized_view, told_of_snapshot
from flightlake.lake.storable import iceberg_schema
from flightlake.lake.writing import WritableCatalog
from flightlake.names import AS_OF_MARK, TableIdentifier
from flightlake.refresh.choosing import INCREMENTAL
from flightlake.refresh.durations import written
from flightlake.refresh.incremental import require_incremental
from flightlake.refresh.policy import Policy, literal, policy_of
from flightlake.refresh.records import REFRESH_STATE, Definition, definition_of, state_of
from flightlake.refresh.refreshing import Refresher
from flightlake.refresh.sources import check, readable_query
from flightlake.refresh.statements import Create

Property = tuple[str, str]
"""A name, which may come several times, and a value."""


@dataclass(frozen=True, slots=True)
class Surveyor:
    """Looks at one view that *create* would make; used once.

    Args:
        refresher: What would make it.
        catalog: Where.
        view: Its name.
        defaults: Stand in for what names leave out.
        given: Views that are still to be made.
        call: When nobody wants to know any more.
    """

    refresher: Refresher
    catalog: WritableCatalog
    view: TableIdentifier
    defaults: Defaults
    given: Given
    call: Cancellation

    def explain(self, create: Create) -> list[Property]:
        """Return what there is to say, in order.

        ``reads`` alone, for each given view that is read, where the columns of one of them are
        not known.  Else also ``source``, ``column``, ``schema``, ``fingerprint``, ``setting``; and
        of the view as it is: ``present`` with the number of its definition, and ``present …``.

        Raises:
            FlightlakeError: It could not be made; says why.
        """
        text = readable_query(create.query)
        catalogs = with_given(self.refresher.catalogs, self.given)
        try:
            survey = self._survey(create.query, self.defaults, catalogs)
        except FlightlakeError:
            asked = _asked(catalogs)
            if any(self.given[name] is None for name in asked):
                return [("reads", str(name)) for name in asked]
            raise
        self.refresher.threads.run(lambda: check(self.view, survey, catalogs), self.call)
        if create.mode == INCREMENTAL:
            require_incremental(self.view, survey, create.partitioned_by)
        columns = iceberg_schema(survey.schema)
        partition_spec(create.partitioned_by, columns, 0, None)
        base = current(self.catalog, self.view)
        if base is not None and not is_materialized_view(base.metadata):
            raise AlreadyExists(f"{self.view} is a table; give the view another name")
        return [
            ("view", str(self.view)),
            *(("reads", str(name)) for name in _asked(catalogs)),
            *(("source", str(_plain(name))) for name in sorted(survey.pins)),
            *(("column", column) for column in told(columns)),
            ("schema", to_json(columns)),
            ("fingerprint", fingerprint(survey.plan, text.sql)),
            *(("setting", one) for one in _settings(create, create.policy)),
            *(() if base is None else self._present(base, catalogs)),
        ]

    def _survey(self, query: str, defaults: Defaults, catalogs: Catalogs) -> Survey:
        text = readable_query(query)
        engine = self.refresher.engine
        # Not ahead: what was looked for is what is told to be read.
        return self.refresher.threads.run(
            lambda: engine.survey(text, defaults, catalogs, ahead=False, unmade=True), self.call
        )

    def _present(self, base: Committed, catalogs: Catalogs) -> Iterator[Property]:
        found = base.metadata
        definition = definition_of(found.properties, self.view)
        yield "present", str(definition.version)
        yield "present query", definition.query
        yield from (("present column", column) for column in told(found.schema()))
        for setting in _settings(definition, policy_of(found.properties, self.view)):
            yield "present setting", setting
        for name, key in (("rows", "total-records"), ("bytes", "total-files-size")):
            yield f"present {name}", told_of_snapshot(found, found.current_snapshot_id, key) or "0"
        yield from self._fingerprint(definition, catalogs)
        for older in self._outdated(base):
            yield "made of older", str(older)

    def _fingerprint(self, definition: Definition, catalogs: Catalogs) -> Iterator[Property]:
        defaults = Defaults(definition.catalog, definition.db_schema)
        try:
            survey = self._survey(definition.query, defaults, catalogs)
        except (Cancelled, NotReady, Overloaded, TimedOut):  # that says nothing of the query
            raise
        except FlightlakeError as failure:  # which is why it is to be changed
            yield "present problem", failure.message
            return
        yield "present fingerprint", fingerprint(survey.plan, definition.query)

    def _outdated(self, base: Committed) -> Iterator[TableIdentifier]:
        """Yield the views that the rows were made of as they were before their definition."""
        found = base.metadata
        state = state_of(found.properties, str(found.table_uuid))
        for source in () if state is None else state.sources:
            name = _plain(source.identifier)
            try:
                read = self.refresher.catalogs[name.catalog].load(name.db_schema, name.table)
            except (KeyError, NotFound):
                continue
            if not is_materialized_view(read.metadata):
                continue
            if read.uuid != source.uuid:  # dropped, and made again since
                yield name
                continue
            if read.snapshot_id == source.snapshot_id:
                continue
            now = definition_of(read.metadata.properties, name).version
            then = _version(told_of_snapshot(read.metadata, source.snapshot_id, REFRESH_STATE))
            if then is not None and then != now:
                yield name


def _asked(catalogs: Mapping[str, GivenCatalog]) -> list[TableIdentifier]:
    return sorted(set().union(*(catalog.asked for catalog in catalogs.values())))


def _plain(name: TableIdentifier) -> TableIdentifier:
    return TableIdentifier(name.catalog, name.db_schema, name.table.partition(AS_OF_MARK)[0])


def _version(refresh_state: str | None) -> int | None:
    """Return the number of the definition that a snapshot was made by; None if it is not told."""
    try:
        return int(json.loads(refresh_state or "")["view-version-id"])
    except (KeyError, TypeError, ValueError):
        return None


def _settings(made: Create | Definition, policy: Policy) -> Iterator[str]:
    """Yield how a view is made and refreshed, each part as ``ALTER … SET`` takes it; what is as
    it is without saying is left out.  PARTITIONED BY is not for ALTER."""
    if made.partitioned_by:
        yield f"PARTITIONED BY ({', '.join(map(str, made.partitioned_by))})"
    if made.mode != "AUTO":
        yield f"REFRESH_MODE = {made.mode}"
    if policy.comment:
        yield f"COMMENT = {literal(policy.comment)}"
    if policy.downstream:
        yield "TARGET_LAG = DOWNSTREAM"
    elif policy.target_lag is not None:
        yield f"TARGET_LAG = '{written(policy.target_lag)}'"
    if policy.schedule is not None:
        yield f"SCHEDULE = {policy.schedule}"
    if policy.on_change is not None:
        least = policy.on_change.at_most_every
        yield f"ON_CHANGE = '{written(least)}'" if least else "ON_CHANGE = TRUE"
    if policy.timeout is not None:
        yield f"TIMEOUT = '{written(policy.timeout)}'"
    if policy.suspend_after is not None:
        yield f"SUSPEND_AFTER = {policy.suspend_after}"
    if policy.history_retention is not None:
        yield f"HISTORY_RETENTION = '{written(policy.history_retention)}'"
    if policy.priority:
        yield f"PRIORITY = {policy.priority}"
