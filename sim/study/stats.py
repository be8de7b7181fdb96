"""The arithmetic of comparing two strategies over the same worlds: paired, with its uncertainty.

Sums are carried out in exact fractions, so that the answer depends neither on the order of the seeds nor on rounding,
and a variance that is zero is exactly zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

LEVEL = 0.95
# A spread of the differences below this share of the values themselves is the rounding of 53-bit inputs, not chance.
_ROUNDING = Fraction(1, 2**49)

Value = int | float | None


@dataclass(frozen=True)
class Spread:
    """The mean of one measure over several worlds, with its uncertainty.

    ``low`` and ``high`` bound the 95 % interval ``mean -+ t(0.975, n - 1) * standard_error``; they are None for fewer
    than two values, and everything is None for none at all.
    """

    n: int
    n_dropped: int
    mean: float | None
    standard_error: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Paired:
    """What B makes of a measure, less what A makes of it, in the same worlds.

    ``difference`` is mean(b - a); ``low`` and ``high`` bound its 95 % interval by paired t. ``n`` counts the worlds in
    which both sides have a value, ``n_dropped`` the others. ``n_unpaired`` is the number of seeds each side would have
    needed, had the two been run in unrelated worlds, for an interval of the same width:
    ``n * (s_a**2 + s_b**2) / s_d**2``, rounded up; None where that is unbounded (the difference is the same in every
    world) or fewer than two worlds are there.
    """

    n: int
    n_dropped: int
    mean_a: float | None
    mean_b: float | None
    difference: float | None
    standard_error: float | None
    low: float | None
    high: float | None
    correlation: float | None
    n_unpaired: int | None

    @property
    def is_clear(self) -> bool:
        """True when the interval leaves zero out: the sign of the difference is told apart from chance."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def summarise(values: Sequence[Value]) -> Spread:
    """Return the mean of ``values`` with its interval; undefined ones (None, NaN, infinite) are dropped and counted."""
    exact = [f for f in map(_exact, values) if f is not None]
    n = len(exact)
    dropped = len(values) - n
    if n == 0:
        return Spread(0, dropped, None, None, None, None)
    mean = _mean(exact)
    error, low, high = _interval(mean, _variance(exact), n)
    return Spread(n, dropped, float(mean), error, low, high)


def pair(a: Sequence[Value], b: Sequence[Value]) -> Paired:
    """Compare two measures world by world.

    Parameters
    ----------
    a, b : sequences of the same length
        The measure of either side, world after world; None, NaN and infinite values are undefined.

    Returns
    -------
    Paired
        Over the worlds where both are defined. Where one side is never defined (a world without a lender) the mean of
        the other is still given, over the worlds where it is defined, and everything else is None.

    Raises
    ------
    ValueError
        When the two are not of one length.
    """
    if len(a) != len(b):
        raise ValueError(f"paired values come in pairs: {len(a)} of A against {len(b)} of B")
    exact_a, exact_b = [_exact(x) for x in a], [_exact(y) for y in b]
    both = [(x, y) for x, y in zip(exact_a, exact_b, strict=True) if x is not None and y is not None]
    n = len(both)
    if n == 0:
        return Paired(0, len(a), summarise(a).mean, summarise(b).mean, None, None, None, None, None, None)
    left, right = [x for x, _ in both], [y for _, y in both]
    differences = [y - x for x, y in both]
    mean = _mean(differences)
    variance = _variance(differences)
    size = max(max(map(abs, left)), max(map(abs, right)))
    if variance is not None and variance <= (_ROUNDING * size) ** 2:
        variance = Fraction(0)
    error, low, high = _interval(mean, variance, n)
    variances = (_variance(left), _variance(right))
    return Paired(
        n,
        len(a) - n,
        float(_mean(left)),
        float(_mean(right)),
        float(mean),
        error,
        low,
        high,
        _correlation(left, right),
        _unpaired(n, *variances, variance),
    )


def student(probability: float, degrees: int) -> float:
    """Return the quantile of Student's t, for instance 2.0930 for 0.975 and 19 degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, probability))


def _exact(value: Value) -> Fraction | None:
    """Return the value as the fraction it is, or None where it is undefined."""
    if value is None or not math.isfinite(value):
        return None
    # Through int or float, because a NumPy scalar is not a number that Fraction knows.
    return Fraction(int(value)) if float(value).is_integer() else Fraction(float(value))


def _mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def _variance(values: Sequence[Fraction]) -> Fraction | None:
    """Return the sample variance (divisor n - 1); None for fewer than two values."""
    if len(values) < 2:
        return None
    mean = _mean(values)
    return sum(((x - mean) ** 2 for x in values), Fraction(0)) / (len(values) - 1)


def _interval(mean: Fraction, variance: Fraction | None, n: int) -> tuple[float | None, float | None, float | None]:
    """Return the standard error of the mean and the two ends of its interval."""
    if variance is None:
        return None, None, None
    error = math.sqrt(variance / n)
    half = student((1 + LEVEL) / 2, n - 1) * error
    return error, float(mean) - half, float(mean) + half


def _correlation(a: Sequence[Fraction], b: Sequence[Fraction]) -> float | None:
    """Return Pearson's correlation over the worlds; None where one side does not vary."""
    mean_a, mean_b = _mean(a), _mean(b)
    spread_a = sum(((x - mean_a) ** 2 for x in a), Fraction(0))
    spread_b = sum(((y - mean_b) ** 2 for y in b), Fraction(0))
    if spread_a == 0 or spread_b == 0:
        return None
    together = sum(((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True)), Fraction(0))
    # The square is exact and at most 1; only its root is rounded.
    return math.copysign(math.sqrt(together**2 / (spread_a * spread_b)), together)


def _unpaired(n: int, var_a: Fraction | None, var_b: Fraction | None, var_d: Fraction | None) -> int | None:
    if var_a is None or var_b is None or var_d is None:
        return None
    if var_d == 0:
        # Nothing varies at all: as many as were run. Else no number of unpaired seeds gives an interval of no width.
        return n if var_a + var_b == 0 else None
    return max(2, math.ceil(n * (var_a + var_b) / var_d))
