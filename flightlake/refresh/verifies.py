"""VERIFY MATERIALIZED VIEW … [REPAIR]."""

from flightlake.refresh.asking import Asked
from flightlake.refresh.jobs import Job, Jobs
from flightlake.refresh.runs import STATEMENT, Wanted
from flightlake.refresh.statements import Verify
from flightlake.refresh.verifying import DIFFERENT, Verification, Verifier, repaired


def verify(jobs: Jobs, statement: Verify, asked: Asked) -> Verification:
    """Compare a view's rows with its query; make them anew if they differ and that is wanted.

    Raises:
        FlightlakeError: The view cannot be compared, or not be made anew.
    """
    name, made = asked.named(statement.name), jobs.refresher
    view = jobs.views.existing(name)
    if statement.repair:
        jobs.views.writable_catalog(name)
    verifier = Verifier(made.engine, made.catalogs, made.threads, made.clock)
    found = verifier.verify(view, asked.call)
    if not statement.repair or found.state != DIFFERENT:
        return found
    wanted = Wanted(name, STATEMENT, asked.identity.subject)
    return repaired(found, jobs.now(Job(wanted, full=True), asked.call))
