"""What tests of the configuration have in common."""

from collections.abc import Callable

from flightlake.config import Settings

Loader = Callable[..., Settings]
"""Reads the text of a file, with an environment."""

Problems = Callable[..., list[str]]
"""Returns the problems that a text is refused for."""

ANYBODY = {"FLIGHTLAKE__AUTH__ANONYMOUS": "true"}
JWT = "[[auth.jwt]]\nissuer = 'https://i'\naudience = 'a'\n"
