"""Rules of a merchant's sales, each on a few cases worked out by hand, and over many draws where it is about chance."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from sim.core import draws
from sim.core.kernels import kernel
from sim.world.sales import (
    demand_level,
    moved_mean,
    moved_reputation,
    moved_variance,
    next_shock,
    promotion_lift,
    sold_orders,
    trend,
)

F = np.float32
IDS = np.arange(1, 200_001)


@kernel
def _each_level(volatility, shock, noise, z, out):
    for j in range(shock.size):
        out[j] = demand_level(volatility, shock[j], noise, z[j])


@kernel
def _remember(values, weight, mean, variance):
    """Mean and variance after all ``values``."""
    for j in range(values.size):
        variance = moved_variance(variance, mean, values[j], weight)
        mean = moved_mean(mean, values[j], weight)
    return mean, variance


def levels(volatility: float, noise: float, shock: npt.NDArray[np.float64], z: npt.NDArray[np.float64]) -> np.ndarray:
    out = np.empty(shock.size)
    _each_level(F(volatility), shock.astype(F), F(noise), z.astype(F), out)
    return out


@pytest.mark.parametrize("carry", [0.0, 0.92, 1.0])
def test_the_own_shock_keeps_its_variance(carry: float) -> None:
    innovation = math.sqrt(1 - carry * carry)
    assert next_shock.py_func(F(2.0), F(carry), F(innovation), F(-1.0)) == pytest.approx(2 * carry - innovation)
    before, z = (draws.normal(1, "sales.shock", 4383, IDS, k) for k in (0, 1))
    after = next_shock.py_func(before, carry, innovation, z)
    assert after.var() == pytest.approx(1.0, abs=5 * math.sqrt(2 / IDS.size))
    assert np.corrcoef(before, after)[0, 1] == pytest.approx(carry, abs=5 / math.sqrt(IDS.size))


def test_the_level_of_demand_follows_its_formula() -> None:
    found = levels(0.4, 0.2, np.array([0.0, 1.0, -2.0]), np.array([0.0, -1.0, 0.5]))
    expected = np.exp([-0.08 - 0.02, 0.4 - 0.08 - 0.2 - 0.02, -0.8 - 0.08 + 0.1 - 0.02])
    assert np.allclose(found, expected, rtol=1e-5)
    assert levels(0.0, 0.0, np.array([3.0]), np.array([3.0]))[0] == 1.0


def test_the_level_of_demand_has_a_mean_of_one() -> None:
    """A more volatile shop is no larger, else volatility would be growth."""
    shock, z = (draws.normal(1, "sales.shock", 4383, IDS, k) for k in (0, 1))
    for volatility, noise in ((0.4, 0.18), (0.8, 0.0), (0.0, 0.5)):
        spread = math.sqrt(math.expm1(volatility**2 + noise**2))
        assert levels(volatility, noise, shock, z).mean() == pytest.approx(1.0, abs=5 * spread / math.sqrt(IDS.size))


@pytest.mark.parametrize(
    ("growth", "years", "factor"), [(0.15, 0.0, 1.0), (0.15, 2.0, 1.3), (-0.5, 1.0, 0.5), (-0.9, 3.0, 0.2)]
)
def test_a_trend_is_linear_and_keeps_a_fifth(growth: float, years: float, factor: float) -> None:
    assert trend.py_func(F(growth), F(years)) == pytest.approx(factor, rel=1e-6)


@pytest.mark.parametrize(
    ("fit", "lift", "factor"), [(1.0, 6.4, 6.4), (0.0, 6.4, 1.0), (0.5, 3.0, 2.0), (2.0, 3.0, 5.0), (3.0, 1.0, 1.0)]
)
def test_a_promotion_lifts_by_fit(fit: float, lift: float, factor: float) -> None:
    assert promotion_lift.py_func(F(fit), F(lift)) == pytest.approx(factor, rel=1e-6)


@pytest.mark.parametrize(
    ("wanted", "stock", "sold"), [(3, 10.0, 3), (10, 3.9, 3), (3, 3.0, 3), (5, 0.99, 0), (0, 7.0, 0), (2, -0.5, 0)]
)
def test_sales_are_whole_and_bounded_by_stock(wanted: float, stock: float, sold: float) -> None:
    assert sold_orders.py_func(F(wanted), F(stock)) == sold


def test_means_and_variances_are_exponentially_weighted() -> None:
    assert moved_mean.py_func(F(10), F(20), F(0.25)) == 12.5
    assert moved_variance.py_func(F(8), F(10), F(14), F(0.25)) == 0.75 * (8 + 0.25 * 16)
    values = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0], F)
    weight = 0.2
    mean, variance = _remember(values, F(weight), F(7.0), F(0.0))
    all_values = np.concatenate([[7.0], values])
    age = np.arange(len(all_values))[::-1]
    weights = weight * (1 - weight) ** age
    weights[0] = (1 - weight) ** age[0]  # the start holds what is left
    assert weights.sum() == pytest.approx(1.0)
    assert mean == pytest.approx((weights * all_values).sum(), rel=1e-5)
    assert variance == pytest.approx((weights * (all_values - mean) ** 2).sum(), rel=1e-4)


def test_remembered_mean_and_variance_settle_on_the_true_ones() -> None:
    z = draws.normal(1, "sales.shock", 4383, np.arange(200_000))
    mean, variance = _remember((100 + 5 * z).astype(F), F(1 / 2000), F(100), F(0))
    assert mean == pytest.approx(100.0, abs=5 * 5 * math.sqrt(1 / 4000))
    assert variance == pytest.approx(25.0, rel=5 * math.sqrt(2 / 4000))


def test_reputation_drifts_to_what_quality_deserves() -> None:
    reputation = F(1.0)
    for _ in range(2000):
        reputation = moved_reputation.py_func(reputation, F(2.0), F(0), F(5), F(1))
    assert reputation == pytest.approx(1.3, abs=1e-3)
    step = moved_reputation.py_func(F(1.0), F(0.0), F(5), F(10), F(1)) - F(1.0)
    assert step == pytest.approx(-0.01 * 0.4 * 0.5, rel=1e-4)  # half of the orders could not be served
    assert moved_reputation.py_func(F(1.1), F(-1.0), F(5), F(10), F(0)) == F(1.1)  # a closed shop keeps its own
    assert moved_reputation.py_func(F(1.0), F(0.0), F(0), F(0), F(1)) == 1.0  # a day without orders
