from tests.fix_demo import demo_directory
from tests.fix_engine import labs
from tests.fix_materialized import mills
from tests.fix_schedule import writers_stand_still

__all__ = ["demo_directory", "labs", "mills", "writers_stand_still"]
