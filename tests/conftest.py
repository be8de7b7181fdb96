"""Profiles of Hypothesis: as many examples as a quick run has time for, and ten times as many at night."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True)
slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("nightly", max_examples=1000, deadline=None, suppress_health_check=slow)
settings.load_profile("ci")
