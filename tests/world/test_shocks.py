"""What strikes all shops alike: variance and memory as declared, one path whoever is there, dated slumps."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from sim.core import draws
from sim.core.merchants import Merchants
from sim.world.parameters import Demand
from sim.world.shocks import common_shocks, distrust, evenly, jump, market_move, slump

FIRST = 4199
DEMAND = Demand(market_shock=0.05, category_shock=0.06, common_autocorrelation=0.97)
N, CATEGORIES = 6000, 4


def logs(p: Demand = DEMAND, seed: int = 3, n: int = N) -> npt.NDArray[np.float64]:
    """Common shocks on the log scale, around zero, (n, CATEGORIES)."""
    found: npt.NDArray[np.float64] = np.log(common_shocks(p, seed, FIRST, n, CATEGORIES))
    return found + (p.market_shock**2 + p.category_shock**2) / 2.0


def test_innovations_have_the_declared_variance_and_no_memory() -> None:
    """x_t - carry x_(t-1) is white: its variances and covariances are those of market and category."""
    carry = DEMAND.common_autocorrelation
    path = logs()
    e = path[1:] - carry * path[:-1]
    n, own = len(e), 1 - carry * carry
    variance = own * (DEMAND.market_shock**2 + DEMAND.category_shock**2)
    shared = own * DEMAND.market_shock**2
    for a in range(CATEGORIES):
        assert (e[:, a] ** 2).mean() == pytest.approx(variance, abs=5 * variance * math.sqrt(2 / n))
        for lag in (1, 2, 7):
            assert abs((e[lag:, a] * e[:-lag, a]).mean()) < 5 * variance / math.sqrt(n - lag)
        for b in range(a):
            error = 5 * math.sqrt((variance**2 + shared**2) / n)
            assert (e[:, a] * e[:, b]).mean() == pytest.approx(shared, abs=error)
            assert abs((e[1:, a] * e[:-1, b]).mean()) < 5 * variance / math.sqrt(n - 1)


@pytest.mark.parametrize("carry", [0.0, 0.5, 0.97])
def test_shocks_have_the_declared_autocorrelation(carry: float) -> None:
    p = Demand(market_shock=0.3, category_shock=0.0, common_autocorrelation=carry)
    path = logs(p)[:, 0] / 0.3
    for lag in (1, 5):
        assert np.corrcoef(path[lag:], path[:-lag])[0, 1] == pytest.approx(carry**lag, abs=5 * math.sqrt(8 / N))


def test_the_first_day_is_no_different_from_the_others() -> None:
    """Over many seeds the first day, and the thirtieth, have the declared spread and a mean factor of one."""
    p = Demand(market_shock=0.6, category_shock=0.3, common_autocorrelation=0.9)
    factors = np.array([common_shocks(p, seed, FIRST, 30, 2)[[0, 29]] for seed in range(600)])
    variance = 0.6**2 + 0.3**2
    for day in (0, 1):
        spread = np.log(factors[:, day, 0]).var()
        assert spread == pytest.approx(variance, abs=5 * variance * math.sqrt(2 / 600))
        assert factors[:, day].mean() == pytest.approx(1.0, abs=5 * math.sqrt(math.expm1(variance) / 600))


def test_the_path_does_not_depend_on_who_is_there() -> None:
    """More categories, a longer run, or merchants and lenders who draw in between change nothing."""
    path = common_shocks(DEMAND, 3, FIRST, 200, 5)
    draws.normal(3, "sales.shock", FIRST, np.arange(10_000))
    draws.uniform(3, "lender.visible", 0, np.arange(10_000))
    assert np.array_equal(common_shocks(DEMAND, 3, FIRST, 200, 5), path)
    assert np.array_equal(common_shocks(DEMAND, 3, FIRST, 200, 9)[:, :5], path)
    assert np.array_equal(common_shocks(DEMAND, 3, FIRST, 350, 5)[:200], path)


def test_another_seed_is_another_path() -> None:
    assert abs(np.corrcoef(logs(seed=3)[:, 0], logs(seed=4)[:, 0])[0, 1]) < 5 * math.sqrt(1.97 / 0.03 / N)


def test_no_shock_is_a_factor_of_one() -> None:
    assert (common_shocks(Demand(market_shock=0.0, category_shock=0.0), 1, FIRST, 50, 3) == 1.0).all()


def test_a_slump_builds_up_stays_and_ends() -> None:
    factor = slump(120, 10, 60, 0.2)
    assert (factor[:10] == 1.0).all()
    assert factor[10] == pytest.approx(1 - 0.2 / 14)
    assert np.allclose(np.diff(factor[9:24]), -0.2 / 14)
    assert np.allclose(factor[23:71], 0.8)
    assert np.allclose(np.diff(factor[70:85]), 0.2 / 14)
    assert (factor[84:] == 1.0).all()


@pytest.mark.parametrize("first", [-1000, -20, 500])
def test_a_slump_may_lie_outside_the_run(first: int) -> None:
    """One that began before is felt from the first day on; one that is over or yet to come is not."""
    whole = slump(2000, 1000 + first, 60, 0.3)
    assert np.array_equal(slump(120, first, 60, 0.3), whole[1000:1120])


@pytest.mark.parametrize("length", [1, 5, 10])
def test_a_short_slump_has_no_jumps(length: int) -> None:
    factor = slump(80, 20, length, 0.28)
    assert np.abs(np.diff(factor)).max() <= 0.28 / 14 + 1e-12
    assert (factor[20 + length + 14 :] == 1.0).all()


def test_a_rumour_is_loud_at_first_and_fades_evenly() -> None:
    factor = distrust(20, 5, 10, 0.5)
    assert (factor[:5] == 1.0).all()
    assert factor[5] == 0.5
    assert np.allclose(np.diff(factor[5:16]), 0.05)
    assert (factor[15:] == 1.0).all()
    assert (distrust(10, -4, 8, 0.5) == distrust(20, 6, 8, 0.5)[10:]).all()  # one that began before the run


def test_a_market_moves_and_stays() -> None:
    found = market_move(10, 3, 4, 2.0)
    assert found == pytest.approx([1, 1, 1, 2**0.25, 2**0.5, 2**0.75, 2, 2, 2, 2])
    assert market_move(5, -9, 4, 0.5) == pytest.approx(0.5)  # it was over before the first day


def test_jumps_are_their_share_of_the_variance_of_the_shock() -> None:
    """A shock that jumps and moves evenly keeps the variance of one; without jumps nothing is drawn or moved."""
    carry, n = 0.95, 20_000
    m = Merchants(n, 0)
    m.merchant_id[:] = np.arange(1, n + 1)
    jump(m, Demand(), carry, 3, FIRST)
    assert (m.shock == 0.0).all()
    p = Demand(jump_share=0.4, jumps=20.0)
    own = math.sqrt(1.0 - carry * carry) * evenly(p)
    for day in range(150):
        jump(m, p, carry, 3, FIRST + day)
        m.shock[:] = carry * m.shock + own * draws.normal(3, "sales.shock", FIRST + day, m.merchant_id)
    # a jump comes before the day's carry, so that its share has one day's less
    assert m.shock.var() == pytest.approx(0.6 + 0.4 * carry * carry, rel=0.05)
    before = m.shock.copy()
    jump(m, p, carry, 3, FIRST + 150)
    moved = m.shock != before
    assert moved.mean() == pytest.approx(20.0 / 365.0, rel=0.1)
    size = math.sqrt((1.0 - carry * carry) * 0.4 / (20.0 / 365.0))
    assert (m.shock - before)[moved].std() == pytest.approx(size, rel=0.06)
