"""The composition root: the only package that knows all concrete classes.

``build`` makes the parts from the configuration and connects them; nothing listens yet.
``App.start`` begins to serve, ``App.run`` serves until a signal, ``App.stop`` ends it.
"""

from flightlake.app.building import build
from flightlake.app.running import App

__all__ = ["App", "build"]
