"""Fixtures of the server's tests."""

from tests.fix_server import start, wire

__all__ = ["start", "wire"]
