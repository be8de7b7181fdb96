"""The compiled primitives: against NumPy's and SciPy's functions over their range, and bit by bit in plain NumPy.

Counts are tested twice: without any draw, by passing an even grid of uniforms through them, and with draws.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from sim.core import draws, kernels
from sim.core.kernels import (
    exp32,
    hash64,
    high_half,
    kernel,
    leave_stage,
    log32,
    low_half,
    normal_pair,
    poisson,
    unit32,
    unit64,
)

F = np.float32
U4 = np.uint32
IDS = np.arange(1, (1 << 19) + 1)
KEY = draws.day_key(3, "sales.shock", 4383)
Floats = npt.NDArray[np.float32]


@kernel
def _each_exp32(x, out):
    for j in range(x.size):
        out[j] = exp32(x[j])


@kernel
def _each_log32(x, out):
    for j in range(x.size):
        out[j] = log32(x[j])


@kernel
def _each_unit32(h, out):
    for j in range(h.size):
        out[j] = unit32(h[j])


@kernel
def _each_unit64(h, out):
    for j in range(h.size):
        out[j] = unit64(h[j])


@kernel
def _hash_and_normals(key, ids, high, low, first, second):
    for j in range(ids.size):
        h = hash64(key, ids[j], 0)
        high[j] = high_half(h)
        low[j] = low_half(h)
        first[j], second[j] = normal_pair(h)


@kernel
def _each_poisson(mean, u, z, out):
    for j in range(u.size):
        out[j] = poisson(mean, u[j], z[j])


@kernel
def _flow(stages, share, inflow, days, left):
    """Put ``inflow`` into the first stage, then let days pass; what comes out on each day goes to ``left``."""
    stages[0] += inflow
    for day in range(days):
        carried = 0.0
        for stage in range(stages.size):
            out = leave_stage(stages[stage], share)
            stages[stage] += carried - out
            carried = out
        left[day] = carried


def float32_of(compiled: Any, x: npt.NDArray[Any]) -> Floats:
    out = np.empty(x.size, F)
    compiled(x, out)
    return out


# ------------------------------------------------------------------------------------------------- exp and log


def test_exp_and_log_keep_their_accuracy_over_the_whole_range() -> None:
    x = np.linspace(-699.9, 699.9, 1_000_003)
    assert np.abs(draws.exp(x) / np.exp(x) - 1.0).max() < 1e-9
    positive = np.exp(np.linspace(-700.0, 700.0, 1_000_003))
    assert np.abs(draws.log(positive) - np.log(positive)).max() < 1e-9
    near_one = 1.0 + np.linspace(-1e-3, 1e-3, 10_001)
    assert np.abs(draws.log(near_one) - np.log1p(near_one - 1.0)).max() < 1e-15
    assert (np.diff(draws.exp(np.linspace(-5, 5, 1_000_001))) > 0).all()
    assert draws.exp(0.0) == 1.0
    assert draws.log(1.0) == 0.0


def test_exp_and_log_keep_the_shape() -> None:
    x = np.arange(1.0, 13.0).reshape(3, 4)
    for of in (draws.exp, draws.log):
        assert of(x).shape == (3, 4)
        assert np.array_equal(of(x.T), of(x).T)
        assert np.array_equal(of(x[:, ::2]), of(x)[:, ::2])
        assert of(3).shape == ()
        assert of([]).shape == (0,)


def test_float32_exp_and_log_keep_their_accuracy() -> None:
    x = np.linspace(-79.9, 79.9, 1_000_003).astype(F)
    assert np.abs(float32_of(_each_exp32, x) / np.exp(x.astype(float)) - 1.0).max() < 1e-6
    positive = np.exp(np.linspace(-80.0, 80.0, 1_000_003)).astype(F)
    exact = np.log(positive.astype(float))
    error = np.abs(float32_of(_each_log32, positive) - exact)
    assert (error / np.maximum(np.abs(exact), 1.0)).max() < 1e-6


# --------------------------------------------------------------------------------------- uniforms and normals


def test_a_uniform_is_the_middle_of_its_cell_and_never_zero_or_one() -> None:
    cells = np.arange(0, 2**23, 7, dtype=U4)
    for lowest in (0, 511):  # the nine lower bits do not count
        drawn = float32_of(_each_unit32, cells * U4(512) + U4(lowest))
        assert np.array_equal(drawn.astype(float), (cells + 0.5) / 2.0**23)
    ends = float32_of(_each_unit32, np.array([0, 2**32 - 1], U4))
    assert 0.0 < ends[0] < ends[1] < 1.0
    wide = np.empty(3)
    _each_unit64(np.array([0, 1 << 63, 2**64 - 1], np.uint64), wide)
    assert wide.tolist() == [2.0**-53, 0.5 + 2.0**-53, 1.0 - 2.0**-53]


def _pairs() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32], Floats, Floats]:
    high, low = np.empty(IDS.size, U4), np.empty(IDS.size, U4)
    first, second = np.empty(IDS.size, F), np.empty(IDS.size, F)
    _hash_and_normals(KEY, IDS, high, low, first, second)
    return high, low, first, second


def numpy_log32(x: Floats) -> Floats:
    mantissa, exponent = np.frexp(x)
    is_low = mantissa < F(math.sqrt(0.5))
    mantissa, exponent = np.where(is_low, F(2) * mantissa, mantissa), exponent - is_low
    s = (mantissa - F(1)) / (mantissa + F(1))
    q = s * s
    series = F(2) + q * (F(2 / 3) + q * (F(2 / 5) + q * (F(2 / 7) + q * F(2 / 9))))
    return F(0.69314718) * exponent.astype(F) + s * series


def numpy_sine_of_turns(v: Floats) -> Floats:
    t = v * F(6.2831855)
    q = t * t
    return t * (F(1) - q * (F(1 / 6) - q * (F(1 / 120) - q * (F(1 / 5040) - q * F(1 / 362880)))))


def test_numba_and_numpy_give_the_same_bits_of_a_pair_of_normals() -> None:
    high, low, first, second = _pairs()
    u = ((high >> U4(9)).astype(F) + F(0.5)) / F(2**23)
    radius = np.sqrt(F(-2) * numpy_log32(u))
    turn = ((low >> U4(9)).astype(F) + F(0.5)) / F(2**23) - F(0.5)
    quarter = F(0.25) - np.abs(turn)
    other = np.where(quarter > 0, turn, np.copysign(F(0.5), turn) - turn)
    assert first.dtype == radius.dtype == F
    assert np.array_equal(first, radius * numpy_sine_of_turns(quarter))
    assert np.array_equal(second, radius * numpy_sine_of_turns(other))


def test_a_pair_of_normals_is_standard_and_independent() -> None:
    """Moments, tails, Kolmogorov's distance and the correlations of the pair, each within five standard errors."""
    high, low, *pair = _pairs()
    a, b = (z.astype(float) for z in pair)
    n = a.size
    for z in (a, b):
        for power, mean, square in ((1, 0, 1), (2, 1, 3), (3, 0, 15), (4, 3, 105), (6, 15, 10395)):
            assert abs((z**power).mean() - mean) < 5 * math.sqrt((square - mean**2) / n)
        for edge in (3.0, 4.0):
            expected = n * 2 * stats.norm.sf(edge)
            assert abs((np.abs(z) > edge).sum() - expected) < 5 * math.sqrt(expected)
        assert stats.kstest(z, "norm").pvalue > 1e-6
    for f in (lambda z: z, lambda z: (z * z - 1) / math.sqrt(2), np.sign):
        assert abs((f(a) * f(b)).sum()) < 5 * math.sqrt(n)
    angle = np.floor((np.arctan2(b, a) / (2 * math.pi) + 0.5) * 64).astype(int)  # every direction as often
    assert stats.chisquare(np.bincount(angle, minlength=64)).pvalue > 1e-6
    radius, turn = np.sqrt(-2 * np.log(((high >> 9) + 0.5) / 2**23)), 2 * math.pi * (((low >> 9) + 0.5) / 2**23 - 0.5)
    assert np.abs(a - radius * np.cos(turn)).max() < 5e-5
    assert np.abs(b - radius * np.sin(turn)).max() < 5e-5


# ----------------------------------------------------------------------------------------------------- counts


def counts(mean: float, u: npt.NDArray[Any], z: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    out = np.empty(u.size)
    _each_poisson(F(mean), u.astype(F), z.astype(F), out)
    return out


GRID = (np.arange(1 << 19) + 0.5) / (1 << 19)  # exact in float32


@pytest.mark.parametrize("mean", [0.0, 1e-6, 0.003, 0.1, 0.7, 1.0, 2.5, 5.0, 5.999])
def test_small_counts_are_the_inverse_of_the_distribution(mean: float) -> None:
    found = counts(mean, GRID, np.zeros_like(GRID))
    exact = stats.poisson.cdf(np.arange(41), float(F(mean)))
    shares = np.cumsum(np.bincount(found.astype(int), minlength=41)) / GRID.size
    assert np.abs(shares - exact).max() < 1e-5
    assert (np.diff(found) >= 0).all()
    assert abs(found.mean() - mean) < 1e-4 * max(mean, 0.1)
    assert abs(found.var() - mean) < 1e-3 * max(mean, 0.1)


@pytest.mark.parametrize("mean", [6.0, 9.0, 20.0, 100.0, 5000.0])
def test_large_counts_have_mean_variance_and_shape(mean: float) -> None:
    """The rounded normal misses the exact distribution by at most a part in mean^1.5: the next term of its series."""
    found = counts(mean, np.full_like(GRID, 0.5), special.ndtri(GRID))
    values, times = np.unique(found, return_counts=True)
    distance = np.abs(np.cumsum(times) / GRID.size - stats.poisson.cdf(values, mean)).max()
    assert distance < 0.15 / mean
    assert abs(found.mean() / mean - 1.0) < 1e-3
    assert abs(found.var() / mean - 1.0) < 0.025
    assert abs(stats.skew(found) * math.sqrt(mean) - 1.0) < 0.05 + 2e-4 * mean
    assert (found == np.floor(found)).all()
    assert found.min() >= 0


@pytest.mark.parametrize("mean", [0.2, 3.0, 8.0, 60.0])
def test_drawn_counts_follow_poisson(mean: float) -> None:
    u = draws.uniform(11, "sales.orders", 4383, IDS[:50_000])
    z = draws.normal(11, "sales.orders", 4383, IDS[:50_000], 5)
    found = counts(mean, u, z)
    edges = np.unique(stats.poisson.ppf(np.linspace(0.02, 0.98, 15), mean))
    cells = np.searchsorted(edges, found)  # cell c holds the counts in (edges[c-1], edges[c]]
    expected = np.diff(np.concatenate([[0.0], stats.poisson.cdf(edges, mean), [1.0]])) * found.size
    assert stats.chisquare(np.bincount(cells, minlength=expected.size), expected).pvalue > 1e-4
    assert abs(found.mean() - mean) < 5 * math.sqrt(mean / found.size)


# ------------------------------------------------------------------------------------------------------ chains


@settings(deadline=None, derandomize=True)  # the first example compiles
@given(
    inflow=st.integers(0, 10**12), share=st.sampled_from([4 / 60, 4 / 30, 4 / 9, 4 / 7, 0.99, 1.0]), n=st.integers(1, 6)
)
def test_a_chain_conserves_and_drains(inflow: int, share: float, n: int) -> None:
    """Below a yuan everything goes, so a stage is empty after the days that shrink it to a yuan, and one."""
    days = n * (2 + math.ceil(math.log(max(inflow, 1) + 1) / -math.log1p(-share) if share < 1 else 1))
    stages, left = np.zeros(n), np.zeros(days)
    _flow(stages, share, float(inflow), days, left)
    assert left.sum() == inflow
    assert (stages == 0).all()
    assert (left >= 0).all()
    assert (left == np.floor(left)).all()
    assert not left[: n - 1].any()  # nothing overtakes: each stage takes a day at least


def test_a_chain_in_mid_flow_holds_what_has_not_left() -> None:
    stages, left = np.array([0.0, 7777.0, 150.0, 3.0]), np.zeros(5)
    _flow(stages, 0.3, 12345.0, 5, left)
    assert left.sum() + stages.sum() == 12345.0 + 7777.0 + 150.0 + 3.0
    assert stages.sum() > 0


@pytest.mark.parametrize("share", [4 / 60, 4 / 9, 4 / 7])
def test_money_stays_in_a_chain_for_stages_over_share_days(share: float) -> None:
    stages, left = np.zeros(4), np.zeros(3000)
    _flow(stages, share, 1e13, left.size, left)
    mean_stay = (left * np.arange(1, left.size + 1)).sum() / left.sum()
    assert mean_stay == pytest.approx(4 / share, rel=1e-6)


@pytest.mark.parametrize(
    ("amount", "share", "leaves"),
    [(0.0, 0.4, 0.0), (1.0, 0.4, 1.0), (99.0, 0.4, 99.0), (100.0, 0.4, 40.0), (101.0, 0.4, 40.0), (100.0, 1.0, 100.0)],
)
def test_whole_fen_leave_a_stage(amount: float, share: float, leaves: float) -> None:
    assert leave_stage.py_func(amount, share) == leaves


# ------------------------------------------------------------------------------------------- the cache of kernels


def test_the_cache_follows_the_sources_of_rules_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("core", "world", "app"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "rules.py").write_text("a = 1\n")
    monkeypatch.setattr(kernels, "__file__", str(tmp_path / "core" / "kernels.py"))
    before = kernels.sources_hash()
    assert kernels.sources_hash() == before
    (tmp_path / "app" / "rules.py").write_text("a = 2\n")
    assert kernels.sources_hash() == before
    (tmp_path / "world" / "rules.py").write_text("a = 2\n")
    changed = kernels.sources_hash()
    assert changed != before
    (tmp_path / "world" / "rules.py").rename(tmp_path / "world" / "renamed.py")
    assert kernels.sources_hash() not in (before, changed)


def test_the_cache_moves_where_it_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kernels.cache_folder().is_relative_to(tmp_path / "lendsim")
    blocked = tmp_path / "a_file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    monkeypatch.setattr(kernels.tempfile, "gettempdir", lambda: str(tmp_path / "elsewhere"))
    assert kernels.cache_folder().is_relative_to(tmp_path / "elsewhere")
    monkeypatch.setattr(kernels.tempfile, "gettempdir", lambda: str(blocked))
    with pytest.raises(OSError, match="XDG_CACHE_HOME"):
        kernels.cache_folder()


USES_A_RULE = """
import sys
from sim.core.kernels import kernel
from sim.world.wash import faking_cost

@kernel
def cost_of(value):
    return faking_cost(value)

print(cost_of(1_000_000.0), sum(cost_of.stats.cache_hits.values()))
"""


@pytest.mark.slow
def test_editing_a_rule_compiles_what_it_was_inlined_into(tmp_path: Path) -> None:
    """The kernel's own file stays as it is; the rule it took from another one does not."""
    house, script = tmp_path / "house", tmp_path / "uses_a_rule.py"
    root = Path(kernels.__file__).parents[2]
    shutil.copytree(root / "sim", house / "sim", ignore=shutil.ignore_patterns("__pycache__"))
    script.write_text(USES_A_RULE)
    elsewhere = os.environ | {"PYTHONPATH": str(house), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    elsewhere.pop("NUMBA_CACHE_DIR", None)

    def said() -> list[str]:
        command = [sys.executable, str(script)]
        return subprocess.run(command, capture_output=True, text=True, env=elsewhere, check=True).stdout.split()

    assert said() == ["20000.0", "0"]
    assert said() == ["20000.0", "1"]  # from the cache
    rule = house / "sim" / "world" / "wash.py"
    text = rule.read_text()
    assert "FEE = 0.02" in text
    rule.write_text(text.replace("FEE = 0.02", "FEE = 0.05"))
    assert said() == ["50000.0", "0"]
    rule.write_text(text)
    assert said() == ["20000.0", "1"]
