from tests.fix_demo import demo_directory
from tests.fix_engine import labs
from tests.fix_materialized import mills

__all__ = ["demo_directory", "labs", "mills"]
