"""Fixtures of the tests of materialized views."""

from tests.fix_materialized import mills

__all__ = ["mills"]
