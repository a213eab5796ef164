from tests.fix_chart import chart, helm_program

__all__ = ["chart", "helm_program"]
