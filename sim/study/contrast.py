"""Contrasts: one measure of one arm against the same measure of the first, over the same worlds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from sim.study.bootstrap import bca
from sim.study.holm import ALPHA, holm, p_paired
from sim.study.stats import Paired, Value, pair

Column = Callable[[str, str], Sequence[Value]]


@dataclass(frozen=True)
class Contrast:
    """One measure of ``b`` against the same measure of ``a``, paired by world.

    Attributes
    ----------
    values
        The measure in every world, of ``a`` and of ``b``.
    p, p_holm
        Of paired t, and adjusted for every other contrast of the comparison: all compared arms and all measures.
    """

    measure: str
    a: str
    b: str
    paired: Paired
    values: tuple[tuple[Value, ...], tuple[Value, ...]] = field(default=((), ()), repr=False)
    p: float | None = None
    p_holm: float | None = None

    @property
    def is_clear(self) -> bool:
        """True when the sign of the difference is told apart from chance, all that is compared taken together."""
        return self.p_holm is not None and self.p_holm <= ALPHA

    @property
    def is_likely(self) -> bool:
        """True when the interval leaves zero out, but not by enough among so many differences."""
        return self.paired.is_clear and not self.is_clear

    @cached_property
    def interval_bca(self) -> tuple[float, float] | None:
        """The BCa bootstrap interval; None for fewer than eight pairs. Worked out when first asked for."""
        return bca(*self.values)

    @property
    def n_runs_saved(self) -> int | None:
        """Further runs, of both sides together, that an interval of this width would have cost in unrelated worlds.

        Below zero where the worlds hang together the wrong way round.
        """
        return None if self.paired.n_unpaired is None else 2 * (self.paired.n_unpaired - self.paired.n)

    def row(self) -> dict[str, Value | str]:
        """Return the row of tables and JSON; an undefined number is None."""
        low_bca, high_bca = self.interval_bca or (None, None)
        return {
            "measure": self.measure,
            "a": self.a,
            "b": self.b,
            "mean_a": self.paired.mean_a,
            "mean_b": self.paired.mean_b,
            "difference": self.paired.difference,
            "low": self.paired.low,
            "high": self.paired.high,
            "n_seeds": self.paired.n,
            "n_seeds_unpaired": self.paired.n_unpaired,
            "low_bca": low_bca,
            "high_bca": high_bca,
            "correlation": self.paired.correlation,
            "p": self.p,
            "p_holm": self.p_holm,
        }


def contrast_all(arms: Sequence[str], measures: Sequence[str], column: Column) -> tuple[Contrast, ...]:
    """Compare every arm with the first in every measure.

    The p-values are adjusted over all of it, arms and measures together: a verdict names whatever differs, so that a
    difference which chance made in any measure of any arm would be a false winner. Measures that are not defined on
    both sides in two worlds are not counted.

    Parameters
    ----------
    column
        Gives the values of (arm, measure), world after world.
    """
    first = arms[0]
    found: list[Contrast] = []
    for b in arms[1:]:
        for measure in measures:
            values = (tuple(column(first, measure)), tuple(column(b, measure)))
            paired = pair(*values)
            found.append(Contrast(measure, first, b, paired, values, p_paired(paired)))
    adjusted = holm([contrast.p for contrast in found])
    return tuple(replace(contrast, p_holm=p) for contrast, p in zip(found, adjusted, strict=True))
