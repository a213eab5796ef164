"""The configuration: a TOML file and environment variables, checked before anything starts."""

from flightlake.config.description import describe
from flightlake.config.loading import load
from flightlake.config.machine import cores, memory_bytes
from flightlake.config.models import Settings
from flightlake.config.problems import ConfigError

__all__ = ["ConfigError", "Settings", "cores", "describe", "load", "memory_bytes"]
