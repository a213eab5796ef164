"""``python -m bench.unpruned``: ``flightlake`` with pruning off, which no setting can do."""

import sys
from functools import partial

from flightlake import app
from flightlake.cli import main
from flightlake.engine.engine import EngineSettings

if __name__ == "__main__":
    app.EngineSettings = partial(EngineSettings, prune=False)  # type: ignore[misc, assignment]
    sys.exit(main())
