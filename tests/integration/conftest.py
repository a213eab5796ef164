from tests.fix_demo import demo_directory

__all__ = ["demo_directory"]
