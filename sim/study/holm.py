"""Many differences looked at together: p-values of paired t, adjusted by Holm's step-down procedure.

Who looks at sixteen measures of two identical lenders finds one that "differs" in most comparisons. Holm's procedure
(S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979) keeps the
chance of even one false find, whatever else is true and however the measures hang together, at the level asked for. It
finds whatever Bonferroni's correction finds and more.
"""

from __future__ import annotations

from collections.abc import Sequence

from sim.study.stats import Paired

ALPHA = 0.05


def p_paired(paired: Paired) -> float | None:
    """Return the two-sided p-value of "there is no difference", by paired t with n - 1 degrees of freedom.

    Where the difference is the same in every world, t has nothing to be measured by: with no difference p is 1, else
    that of the sign test, ``2**(1 - n)``, so that two merchants more in each of two worlds are no proof of anything.
    None where there are fewer than two pairs.
    """
    if paired.n < 2 or paired.difference is None or paired.standard_error is None:
        return None
    if paired.difference == 0:
        return 1.0
    if paired.standard_error == 0:
        return float(2.0 ** (1 - paired.n))
    from scipy.special import stdtr

    return min(1.0, 2 * float(stdtr(paired.n - 1, -abs(paired.difference) / paired.standard_error)))


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Return the adjusted p-values, in the order of the given ones.

    With m p-values in ascending order the j-th becomes ``max over i <= j of min(1, (m - i + 1) p_i)``. Who believes
    those at or below 0.05 believes any false one in at most 5 % of comparisons. None (no test was possible) stays None
    and is not counted among the m.

    Raises
    ------
    ValueError
        When a value is no probability.
    """
    unfit = [p for p in values if p is not None and not 0 <= p <= 1]
    if unfit:
        raise ValueError(f"{unfit[0]} is no p-value; it lies between 0 and 1")
    tested = sorted((p, place) for place, p in enumerate(values) if p is not None)
    adjusted: list[float | None] = [None] * len(values)
    highest = 0.0
    for i, (p, place) in enumerate(tested):
        highest = max(highest, min(1.0, (len(tested) - i) * p))
        adjusted[place] = highest
    return adjusted
