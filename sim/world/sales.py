"""Demand, sales, shipped orders and what shops look like from outside: rules of one merchant's day."""

from __future__ import annotations

import math

import numpy as np

from sim.core.kernels import Scalar, exp32, floor, rule
from sim.core.merchants import STAGES

_F = np.float32
RATED = 0.15  # rating that one standard deviation of quality earns; assumption
MISSED = 0.4  # rating lost by a shop that serves nobody; assumption


def stage_days(mean: float, cv: float) -> tuple[float, ...]:
    """Mean days that a shipped order spends in each of its four stages: alike, or the first longer.

    A chain of waits whose first has the part f of the mean and the others the rest in equal parts has
    ``cv^2 = f^2 + (1 - f)^2 / 3``; ``cv`` is from 0.5, all alike, to below 1.
    """
    first = (1.0 + math.sqrt(max(12.0 * cv * cv - 3.0, 0.0))) / STAGES
    others = (1.0 - first) / (STAGES - 1)
    return mean * first, *(mean * others,) * (STAGES - 1)


@rule
def next_shock(shock: Scalar, carry: Scalar, innovation: Scalar, z: Scalar) -> Scalar:
    """Own demand shock of today: autocorrelated, unit variance; ``innovation`` = sqrt(1 - carry^2)."""
    return carry * shock + innovation * z


@rule
def demand_level(volatility: Scalar, shock: Scalar, noise: Scalar, z: Scalar) -> Scalar:
    """Factor on demand of the own shock and the day's noise, mean one (both lognormal)."""
    return exp32(volatility * (shock - volatility * _F(0.5)) + noise * (z - noise * _F(0.5)))


@rule
def trend(growth: Scalar, years: Scalar) -> Scalar:
    """Factor of the own trend after ``years``: linear, at least a fifth."""
    factor = _F(1) + growth * years
    return factor if factor > _F(0.2) else _F(0.2)


@rule
def promotion_lift(fit: Scalar, lift: Scalar) -> Scalar:
    """Factor of a promotion whose lift of the whole market is ``lift``, for a shop with that fit (mean one)."""
    return _F(1) + fit * (lift - _F(1))


@rule
def sold_orders(wanted: Scalar, stock: Scalar) -> Scalar:
    """Whole orders sold: what is wanted, bounded by stock."""
    have = _F(floor(stock))
    have = have if have > _F(0) else _F(0)
    return wanted if wanted < have else have


@rule
def moved_mean(mean: Scalar, value: Scalar, weight: Scalar) -> Scalar:
    """Exponentially weighted mean after one more value."""
    return mean + (value - mean) * weight


@rule
def moved_variance(variance: Scalar, mean: Scalar, value: Scalar, weight: Scalar) -> Scalar:
    """Exponentially weighted variance after one more value; ``mean`` is the mean before it."""
    gap = value - mean
    return (_F(1) - weight) * (variance + weight * gap * gap)


@rule
def moved_reputation(reputation: Scalar, quality: Scalar, lost: Scalar, wanted: Scalar, live: Scalar) -> Scalar:
    """Shown rating after today: it drifts to what quality deserves and falls with orders that could not be served."""
    short = lost / (wanted if wanted > _F(1) else _F(1))
    return reputation + live * _F(0.01) * (_F(1) + _F(RATED) * quality - _F(MISSED) * short - reputation)
