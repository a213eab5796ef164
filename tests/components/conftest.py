from tests.fix_engine import labs

__all__ = ["labs"]
