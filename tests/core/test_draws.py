"""The draws: as good as numpy's Philox by the same statistics, and the same bits as a plain NumPy version.

Every statistic is a p-value worked out from its sampling error, so one threshold serves all. The last part feeds the
battery generators that are broken in one way each, and names the statistic that has to notice.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import special, stats

from sim.core import draws
from sim.core.kernels import hash64, kernel

U64 = np.uint64
Bits = npt.NDArray[np.uint64]
Generator = Callable[[int, str, int, npt.NDArray[np.int64], int], Bits]  # (seed, stream, day, ids, k) -> 64 bits each

SEED, STREAM, DAY = 7, "sales.shock", 4383  # 1 January 2012
OTHER_STREAMS = ("sales.orders", "attention", "birth.size")
N = 1 << 16
IDS = np.arange(1, N + 1)
DAYS, SHOPS = 400, 4096  # the table whose row means and column means are looked at
LEAST_P = 1e-6  # a sound generator fails one of the 80 or so statistics once in ten thousand choices of SEED


# ------------------------------------------------------------------------------------------------ the generators


@kernel
def _fill_hash(key, ids, k, out):
    for j in range(ids.size):
        out[j] = hash64(key, ids[j], k)


def ours(seed: int, stream: str, day: int, ids: npt.NDArray[np.int64], k: int) -> Bits:
    out = np.empty(ids.size, U64)
    _fill_hash(draws.day_key(seed, stream, day), ids, k, out)
    return out


def philox(seed: int, stream: str, day: int, ids: npt.NDArray[np.int64], k: int) -> Bits:
    """The reference: Philox 4x64 keyed by seed, stream and day; merchant i has the i-th output of counter row k."""
    key = np.array([seed, (draws.STREAMS[stream] << 40) + day], U64)
    first = int(ids[0])
    made = np.random.Philox(key=key, counter=np.array([first // 4, 0, k, 0], U64)).random_raw(ids.size + first % 4)
    return made[first % 4 :]


def mixed(z: Bits) -> Bits:
    """The finaliser of splitmix64, in NumPy."""
    z = (z ^ (z >> U64(30))) * U64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U64(27))) * U64(0x94D049BB133111EB)
    return z ^ (z >> U64(31))


def one_lcg_round(seed: int, stream: str, day: int, ids: npt.NDArray[np.int64], k: int) -> Bits:
    start = seed + draws.STREAMS[stream] + day + k
    return (ids.astype(U64) + U64(start)) * U64(6364136223846793005) + U64(1442695040888963407)


def added_keys(seed: int, stream: str, day: int, ids: npt.NDArray[np.int64], k: int) -> Bits:
    """A perfect mixer of a sum: merchant 5 tomorrow has the luck of merchant 6 today."""
    return mixed(mixed(ids.astype(U64) + U64(seed + (draws.STREAMS[stream] << 40) + day + (k << 50))))


def forgets_k(seed: int, stream: str, day: int, ids: npt.NDArray[np.int64], k: int) -> Bits:
    return ours(seed, stream, day, ids, 0)


def forgets_day(seed: int, stream: str, day: int, ids: npt.NDArray[np.int64], k: int) -> Bits:
    return ours(seed, stream, 1, ids, k)


def forgets_stream(seed: int, stream: str, day: int, ids: npt.NDArray[np.int64], k: int) -> Bits:
    return ours(seed, STREAM, day, ids, k)


def forgets_seed(seed: int, stream: str, day: int, ids: npt.NDArray[np.int64], k: int) -> Bits:
    return ours(SEED, stream, day, ids, k)


def a_common_mood(seed: int, stream: str, day: int, ids: npt.NDArray[np.int64], k: int) -> Bits:
    """Every 64th merchant shares the day's luck."""
    return np.where(ids % 64 == 0, ours(seed, stream, day, np.zeros_like(ids), k), ours(seed, stream, day, ids, k))


def born_lucky(seed: int, stream: str, day: int, ids: npt.NDArray[np.int64], k: int) -> Bits:
    """The luck of every fifth day is that of the merchant's first."""
    return ours(seed, stream, DAY if day % 5 == 0 else day, ids, k)


def stuck_bit(seed: int, stream: str, day: int, ids: npt.NDArray[np.int64], k: int) -> Bits:
    """Bit 20 is set in 52 of 100 draws: nothing that looks at the value of the uniform sees it."""
    coin = ours(seed + 1000, stream, day, ids, k) < U64(int(0.04 * 2**64))
    return np.where(coin, ours(seed, stream, day, ids, k) | U64(1 << 20), ours(seed, stream, day, ids, k))


# ------------------------------------------------------------------------------------------------ the statistics


def as_uniform(bits: Bits) -> npt.NDArray[np.float64]:
    return ((bits >> U64(11)).astype(np.float64) + 0.5) / 2.0**53


def low_half(bits: Bits) -> npt.NDArray[np.float64]:
    return ((bits & U64(0xFFFFFFFF)).astype(np.float64) + 0.5) / 2.0**32


def two_sided(z: Any) -> float:
    """p of standard normal scores; the smallest of several counts as many times."""
    scores = np.atleast_1d(np.asarray(z, float))
    return float(min(1.0, 2.0 * stats.norm.sf(np.abs(scores).max()) * scores.size))


def from_chi_square(value: float, freedom: int) -> float:
    return float(2.0 * min(stats.chi2.sf(value, freedom), stats.chi2.cdf(value, freedom)))


def distance_from_uniform(u: npt.NDArray[np.float64]) -> float:
    """Kolmogorov and Smirnov's p, both ways: points that lie too evenly are no draws either."""
    p = float(stats.kstest(u, "uniform").pvalue)
    return 2.0 * min(p, 1.0 - p)


def cells_chi_square(u: npt.NDArray[np.float64], v: npt.NDArray[np.float64] | None = None, side: int = 16) -> float:
    """Evenness over ``side`` cells of u, or over side x side cells of (u, v)."""
    cell = np.floor(u * side).astype(int)
    cells = side if v is None else side * side
    cell = cell if v is None else cell * side + np.floor(v * side).astype(int)
    expected = u.size / cells
    return from_chi_square(float(((np.bincount(cell, minlength=cells) - expected) ** 2).sum() / expected), cells - 1)


def correlation(u: npt.NDArray[np.float64], v: npt.NDArray[np.float64]) -> float:
    """The known mean and variance of uniforms are used, so that two constant columns do not pass."""
    return float(((u - 0.5) * (v - 0.5)).sum() * 12.0 / np.sqrt(u.size))


def all_differ(bits: Bits) -> bool:
    ordered = np.sort(bits)
    return bool((ordered[1:] != ordered[:-1]).all())


def measure(generate: Generator) -> dict[str, float]:
    """All statistics of a generator of 64-bit draws: name to p-value."""
    found: dict[str, float] = {}
    base = generate(SEED, STREAM, DAY, IDS, 0)
    u = as_uniform(base)
    found["even, high bits"] = cells_chi_square(u, side=1024)
    found["even, low bits"] = cells_chi_square(low_half(base), side=1024)
    found["Kolmogorov"] = distance_from_uniform(u)
    signs = 2.0 * ((base[:, None] >> np.arange(64, dtype=U64)) & U64(1)).astype(np.float64) - 1.0
    found["bits, all"] = from_chi_square(float((signs.sum(axis=0) ** 2).sum() / N), 64)
    found["bits, each"] = two_sided(signs.sum(axis=0) / np.sqrt(N))
    found["bits, pairs"] = two_sided((signs.T @ signs)[np.triu_indices(64, 1)] / np.sqrt(N))

    partners = {
        "next merchant": generate(SEED, STREAM, DAY, IDS + 1, 0),
        "merchant 64 on": generate(SEED, STREAM, DAY, IDS + 64, 0),
        "next day": generate(SEED, STREAM, DAY + 1, IDS, 0),
        "a week on": generate(SEED, STREAM, DAY + 7, IDS, 0),
        "next k": generate(SEED, STREAM, DAY, IDS, 1),
        "k 8 on": generate(SEED, STREAM, DAY, IDS, 8),
        "next seed": generate(SEED + 1, STREAM, DAY, IDS, 0),
        "seed 256 on": generate(SEED + 256, STREAM, DAY, IDS, 0),
        "next day, merchant before": generate(SEED, STREAM, DAY + 1, IDS - 1, 0),
        "next seed, day before": generate(SEED + 1, STREAM, DAY - 1, IDS, 0),
        **{f"stream {name}": generate(SEED, name, DAY, IDS, 0) for name in OTHER_STREAMS},
    }
    for name, other in partners.items():
        v = as_uniform(other)
        differing = np.bitwise_count(base ^ other).astype(np.float64)
        found[f"correlation, {name}"] = two_sided(correlation(u, v))
        found[f"correlation of low bits, {name}"] = two_sided(correlation(low_half(base), low_half(other)))
        found[f"cells, {name}"] = cells_chi_square(u, v)
        found[f"differing bits, {name}"] = two_sided((differing.mean() - 32.0) * np.sqrt(N) / 4.0)
        found[f"equal draws, {name}"] = float((base == other).sum() == 0)
    apart = [base, *(other for name, other in partners.items() if "merchant" not in name)]
    found["repeats"] = float(all_differ(np.concatenate(apart)))

    luck = np.array([as_uniform(generate(SEED, STREAM, DAY + i, IDS[:SHOPS], 0)) for i in range(DAYS)]) - 0.5
    by_day, by_merchant = luck.sum(axis=1) * np.sqrt(12.0 / SHOPS), luck.sum(axis=0) * np.sqrt(12.0 / DAYS)
    found["means of days"] = from_chi_square(float((by_day**2).sum()), DAYS)
    found["means of merchants"] = from_chi_square(float((by_merchant**2).sum()), SHOPS)
    found["market a day later"] = two_sided((by_day[1:] * by_day[:-1]).sum() / np.sqrt(DAYS - 1))
    found["neighbours' luck"] = two_sided((by_merchant[1:] * by_merchant[:-1]).sum() / np.sqrt(SHOPS - 1))
    many_k = np.array([as_uniform(generate(SEED, STREAM, DAY, IDS[:1], k))[0] for k in range(1000)])
    found["k of one merchant"] = distance_from_uniform(many_k)
    found["k of one merchant, serial"] = two_sided(correlation(many_k[1:], many_k[:-1]))
    return found


def failures(found: dict[str, float]) -> dict[str, float]:
    return {name: p for name, p in found.items() if not p >= LEAST_P}


@pytest.mark.parametrize("generate", [ours, philox])
def test_quality(generate: Generator) -> None:
    found = measure(generate)
    assert len(found) > 70
    assert failures(found) == {}


@pytest.mark.parametrize(
    ("generate", "noticed_by"),
    [
        (one_lcg_round, ("Kolmogorov", "even, high bits", "cells, next day", "correlation, next k", "means of days")),
        (added_keys, ("equal draws, next day, merchant before", "correlation, next day, merchant before", "repeats")),
        (forgets_k, ("correlation, next k", "equal draws, k 8 on", "k of one merchant")),
        (forgets_day, ("correlation, next day", "cells, a week on", "means of merchants", "market a day later")),
        (forgets_stream, tuple(f"correlation, stream {name}" for name in OTHER_STREAMS)),
        (forgets_seed, ("correlation, next seed", "differing bits, seed 256 on")),
        (a_common_mood, ("means of days",)),
        (born_lucky, ("means of merchants",)),
        (stuck_bit, ("bits, each",)),
    ],
)
def test_the_battery_notices_a_broken_generator(generate: Generator, noticed_by: tuple[str, ...]) -> None:
    assert set(noticed_by) <= failures(measure(generate)).keys()


def measure_normals(z: npt.NDArray[np.float64]) -> dict[str, float]:
    """Moments and tails of ``z`` (n,), each against its sampling error under the standard normal."""
    n = z.size
    found = {
        f"moment {power}": two_sided(((z**power).mean() - mean) / np.sqrt((square - mean**2) / n))
        for power, mean, square in ((1, 0, 1), (2, 1, 3), (3, 0, 15), (4, 3, 105), (6, 15, 10395))
    }
    for edge in (2.0, 3.0, 4.0):
        for side in (-1.0, 1.0):
            beyond = int((side * z > edge).sum())
            found[f"beyond {side * edge}"] = float(stats.binomtest(beyond, n, stats.norm.sf(edge)).pvalue)
    found["Kolmogorov"] = float(stats.kstest(z, "norm").pvalue)
    found["even"] = cells_chi_square(special.ndtr(z), side=512)
    found["next merchant"] = two_sided((z[1:] * z[:-1]).sum() / np.sqrt(n - 1))
    found["next merchant, squares"] = two_sided(((z[1:] ** 2 - 1) * (z[:-1] ** 2 - 1)).sum() / 2 / np.sqrt(n - 1))
    return found


NORMAL_IDS = np.arange(1, (1 << 19) + 1)


def test_quality_of_normals() -> None:
    assert failures(measure_normals(draws.normal(SEED, STREAM, DAY, NORMAL_IDS))) == {}
    reference = special.ndtri(as_uniform(philox(SEED, STREAM, DAY, NORMAL_IDS, 0)))
    assert failures(measure_normals(reference)) == {}


def test_the_statistics_of_normals_notice_a_sum_of_twelve_uniforms() -> None:
    sums = sum(draws.uniform(SEED, STREAM, DAY, NORMAL_IDS, k) for k in range(12))
    assert {"moment 4", "moment 6", "beyond 3.0", "beyond -3.0"} <= failures(measure_normals(sums - 6.0)).keys()


def test_normals_of_different_k_and_streams_are_independent() -> None:
    z = [draws.normal(SEED, STREAM, DAY, NORMAL_IDS, k) for k in range(3)]
    z += [draws.normal(SEED, "sales.orders", DAY, NORMAL_IDS), draws.normal(SEED, STREAM, DAY + 1, NORMAL_IDS)]
    for a, b in itertools.combinations(z, 2):
        assert two_sided((a * b).sum() / np.sqrt(a.size)) > LEAST_P
        assert two_sided(((a * a - 1) * (b * b - 1)).sum() / 2 / np.sqrt(a.size)) > LEAST_P


# ------------------------------------------------------------------------ the same bits by another way


def numpy_key(seed: int, stream: str, day: int) -> Bits:
    golden = U64(0x9E3779B97F4A7C15)
    base = mixed(mixed(np.array([seed % 2**64], U64)) + golden)
    return mixed(base ^ mixed(np.array([(draws.STREAMS[stream] << 40) + day], U64) + golden))


def numpy_hash(seed: int, stream: str, day: int, ids: npt.NDArray[np.int64], k: int) -> Bits:
    key = numpy_key(seed, stream, day)
    counter = ids.astype(U64) + U64(k << 40)
    return mixed(mixed(key + counter * U64(0x9E3779B97F4A7C15)) ^ key)


def numpy_uniform(bits: Bits) -> npt.NDArray[np.float64]:
    return ((bits >> U64(12)).astype(np.float64) + 0.5) / 2.0**52


def numpy_log(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    mantissa, exponent = np.frexp(x)  # 0.5 <= mantissa < 1
    is_low = mantissa < np.sqrt(0.5)
    mantissa, exponent = np.where(is_low, 2.0 * mantissa, mantissa), exponent - is_low
    s = (mantissa - 1.0) / (mantissa + 1.0)
    q = s * s
    series = 1 / 7 + q * (1 / 9 + q * (1 / 11 + q * (1 / 13)))
    series = 1.0 + q * (1 / 3 + q * (1 / 5 + q * series))
    return 0.6931471805599453 * exponent + 2.0 * s * series


def numpy_normal(seed: int, stream: str, day: int, ids: npt.NDArray[np.int64], k: int) -> npt.NDArray[np.float64]:
    u, v = (numpy_uniform(numpy_hash(seed, stream, day, ids, 2 * k + j)) for j in (0, 1))
    t = (0.25 - np.abs(v - 0.5)) * 6.283185307179586
    q = t * t
    series = 1 / 5040 - q * (1 / 362880 - q * (1 / 39916800 - q * (1 / 6227020800)))
    return np.sqrt(-2.0 * numpy_log(u)) * t * (1.0 - q * (1 / 6 - q * (1 / 120 - q * series)))


FAR_IDS = np.concatenate([np.arange(1, 3000), 2**40 - 1 - np.arange(3000), 10**9 + 7 * np.arange(3000)])
PLACES = [(1, STREAM, DAY, 0), (0, "birth.size", draws.ONCE, 8), (2**63 + 5, "policy.coin", 14_000, 999)]


@pytest.mark.parametrize(("seed", "stream", "day", "k"), PLACES)
def test_numba_and_numpy_give_the_same_bits(seed: int, stream: str, day: int, k: int) -> None:
    assert draws.day_key(seed, stream, day) == numpy_key(seed, stream, day)[0]
    uniform = draws.uniform(seed, stream, day, FAR_IDS, k)
    assert np.array_equal(uniform, numpy_uniform(numpy_hash(seed, stream, day, FAR_IDS, k)))
    normal = draws.normal(seed, stream, day, FAR_IDS, k)
    assert np.array_equal(normal, numpy_normal(seed, stream, day, FAR_IDS, k))


def test_a_normal_is_the_box_muller_transform_of_its_two_uniforms() -> None:
    u, v = (draws.uniform(SEED, STREAM, DAY, IDS, k) for k in (4, 5))
    exact = np.sqrt(-2.0 * np.log(u)) * np.cos(2.0 * np.pi * (v - 0.5))
    assert np.abs(draws.normal(SEED, STREAM, DAY, IDS, 2) - exact).max() < 1e-8


@pytest.mark.parametrize("draw", [draws.uniform, draws.normal])
def test_a_draw_knows_nobody_else(draw: Callable[..., npt.NDArray[np.float64]]) -> None:
    whole = draw(SEED, STREAM, DAY, FAR_IDS, 3)
    order = np.random.Generator(np.random.Philox(1)).permutation(FAR_IDS.size)
    assert np.array_equal(draw(SEED, STREAM, DAY, FAR_IDS[order], 3), whole[order])
    assert np.array_equal(draw(SEED, STREAM, DAY, FAR_IDS[order[:100]], 3), whole[order[:100]])
    assert draw(SEED, STREAM, DAY, FAR_IDS[5:6], 3)[0] == whole[5]
    assert np.array_equal(draw(SEED, STREAM, DAY, FAR_IDS[::2], 3), whole[::2])  # a stride, not a copy
    assert draw(SEED, STREAM, DAY, []).shape == (0,)
    assert np.array_equal(draw(SEED, STREAM, DAY, FAR_IDS, 3), whole)  # nothing was used up


def test_uniforms_stay_inside_zero_and_one() -> None:
    assert numpy_uniform(np.array([0], U64))[0] > 0.0
    assert numpy_uniform(np.array([2**64 - 1], U64))[0] < 1.0
    drawn = draws.uniform(SEED, STREAM, DAY, NORMAL_IDS)
    assert 0.0 < drawn.min() < 1e-4 < 1 - 1e-4 < drawn.max() < 1.0


def test_no_two_entities_share_a_draw() -> None:
    """With k below 2^24 the counter of (entity, k) is unique up to an id of 2^40, and the hash keeps it so."""
    ids = np.concatenate([np.arange(200_000), 2**40 - 1 - np.arange(200_000)])
    assert all_differ(np.concatenate([ours(SEED, STREAM, DAY, ids, k) for k in (0, 1, 2, 255, 2**24 - 1)]))


def test_every_seed_stream_and_day_has_its_own_key() -> None:
    keys = [
        int(draws.day_key(seed, stream, day))
        for seed in (0, 1, 2, 3, 100, 2**32, 2**64 - 1)
        for stream in draws.STREAMS
        for day in (*range(0, 400), 14_975)
    ]
    assert len(set(keys)) == len(keys)


# ------------------------------------------------------------------------------------------ streams, choice, seeds


def test_the_stream_table_has_no_duplicates() -> None:
    assert dict(draws._STREAM_NUMBERS) == draws.STREAMS
    with pytest.raises(ValueError, match="share a name or a number"):
        draws._table((*draws._STREAM_NUMBERS, ("birth.size", 999)))
    with pytest.raises(ValueError, match="share a name or a number"):
        draws._table((*draws._STREAM_NUMBERS, ("new.stream", draws.STREAMS["birth.size"])))


def test_an_unknown_stream_is_refused() -> None:
    with pytest.raises(KeyError, match=r"sales\.shok"):
        draws.uniform(1, "sales.shok", DAY, IDS)


def test_choice_follows_its_weights() -> None:
    weights = np.array([0.0, 3.0, 1.0, 0.0, 6.0, 0.0])
    found = np.bincount(draws.choice(SEED, "birth.kind", draws.ONCE, IDS, weights), minlength=6)
    assert found[weights == 0].sum() == 0
    expected = N * weights[weights > 0] / weights.sum()
    assert stats.chisquare(found[weights > 0], expected).pvalue > LEAST_P


def test_replications_have_distinct_seeds() -> None:
    assert draws.replication_seeds(5, 4) == (5, 6, 7, 8)
    assert len(set(draws.replication_seeds(1, 1000))) == 1000
