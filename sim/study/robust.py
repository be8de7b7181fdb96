"""A robust choice of one strategy over many worlds: by the mean, the worst case or the greatest regret.

Sources: Wald, Annals of Mathematics 46, 1945 (worst case); Savage, Journal of the American Statistical Association 46,
1951 (regret).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sim.engine.inputs.text import near
from sim.study import pareto
from sim.study.objectives import Objective

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Preference:
    """How one strategy is chosen of several.

    Attributes
    ----------
    weights
        By measure: what one whole span of an objective over the points is worth. An objective that is left out is worth
        nothing. Empty: all are worth the same, unless there is an order.
    order
        Measures, the most important first: of the points within ``tolerance`` (a share of the span) of the best in the
        first the best in the second is taken, and so on.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    tolerance: float = 0.05

    def __str__(self) -> str:
        if self.order:
            return f"first {', then '.join(self.order)}, each within {100 * self.tolerance:g} % of its span"
        if self.weights:
            return "weights " + ", ".join(f"{name} {weight:g}" for name, weight in self.weights.items())
        return "equal weights"


@dataclass(frozen=True)
class Choice:
    """The strategy that a preference takes by one criterion over the worlds.

    ``changes`` is the share of resamples of the worlds in which another is taken, ``rival`` the one most often then.
    """

    criterion: str
    preference: str
    place: int | None
    name: str
    changes: float | None
    rival: str


def take(
    criterion: pareto.Criterion,
    wish: Preference,
    goods: Floats,
    objectives: Sequence[Objective],
    limits: tuple[pareto.Limit, ...],
    names: Sequence[str],
    kept: npt.NDArray[np.int64],
    draw: tuple[int, int, int],
) -> Choice:
    """Take a strategy by one criterion, and once more in every resample of the worlds.

    Parameters
    ----------
    goods, limits
        As :func:`sim.study.pareto.choose` takes them.
    names, kept
        Name and place in the design of each of these points.
    draw
        Seed, number of settings, number of resamples.

    Raises
    ------
    ValueError
        If the preference names no objective.
    """
    weights, order = _read_preference(wish, [aim.measure for aim in objectives])
    spans = pareto.spans_of(goods.mean(axis=1))
    asked = (limits, spans, weights, order, wish.tolerance)
    taken = pareto.choose(criterion, goods, *asked)
    seed, n_settings, times = draw
    n_seeds = goods.shape[1] // n_settings
    changes, rival = None, ""
    if n_seeds > 1:
        counts = Counter(
            pareto.choose(criterion, goods[:, worlds], *asked)
            for worlds in pareto.resamples(n_seeds, n_settings, seed, times)
        )
        changes = 1 - counts.pop(taken, 0) / times
        other = counts.most_common(1)[0][0] if counts else None
        rival = names[other] if other is not None else "none" if counts else ""
    if taken is None:
        return Choice(criterion, str(wish), None, "", changes, rival)
    return Choice(criterion, str(wish), int(kept[taken]), names[taken], changes, rival)


def _read_preference(wish: Preference, measures: Sequence[str]) -> tuple[tuple[float, ...] | None, tuple[int, ...]]:
    strange = next((name for name in (*wish.weights, *wish.order) if name not in measures), None)
    if strange is not None:
        hint = near(strange, measures) or f"they are: {', '.join(measures)}"
        raise ValueError(f"preference: {strange} is no objective; {hint}")
    if wish.order:
        if wish.weights:
            raise ValueError("preference: weights and an order; one of the two chooses")
        return None, tuple(measures.index(name) for name in wish.order)
    weights = tuple(wish.weights.get(name, 0.0 if wish.weights else 1.0) for name in measures)
    if min(weights) < 0 or max(weights) <= 0:
        raise ValueError(f"preference: weights {weights}; none is negative and one is above 0")
    return weights, ()
