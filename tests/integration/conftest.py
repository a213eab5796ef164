from tests.fix_demo import demo_directory
from tests.fix_engine import labs

__all__ = ["demo_directory", "labs"]
