"""Hypothesis, for machines that are busy: no verdict depends on how long something takes."""

from hypothesis import HealthCheck, settings

settings.register_profile("flightlake", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("flightlake")
