"""Were the arms of a trial alike before it began? Standardised differences of what no lender can change."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.study.intervals import LEVEL, normal_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.results.run import Run

#: Drawn at birth or outside every lender's reach; size on a log scale, as it is skewed.
TRAITS = ("log_size", "luck", "quality", "margin", "growth", "volatility", "habit", "price_sensitivity", "wash")
KINDS = ("platform", "category", "integrity")
LARGE = 0.1  # Austin 2009, Statistics in Medicine 28, 3083-3107: from here on an imbalance is worth a thought


@dataclass(frozen=True)
class Balance:
    """One trait of two arms: means, and their difference in standard deviations.

    ``(mean_b - mean_a) / sqrt((variance_a + variance_b) / 2)``; None where neither arm varies.
    """

    trait: str
    mean_a: float
    mean_b: float
    standardised: float | None

    def row(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return dict(vars(self))


def standardised_difference(a: NDArray[Any], b: NDArray[Any]) -> float | None:
    """Return the difference of two means in standard deviations; None where neither side varies."""
    spread = math.sqrt((float(np.var(a)) + float(np.var(b))) / 2)
    return (float(np.mean(b)) - float(np.mean(a))) / spread if spread > 0 else None


def balance_of(run: Run, who_a: NDArray[np.bool_], who_b: NDArray[np.bool_]) -> tuple[Balance, ...]:
    """Compare the merchants of two masks, (n,) each, trait by trait; each kind of platform, trade and character too."""
    merchants = run.merchants
    columns: dict[str, NDArray[Any]] = {}
    for trait in TRAITS:
        if trait == "log_size":
            columns[trait] = np.log(np.maximum(merchants["size_fen"].to_numpy(np.float64), 1.0))
        else:
            columns[trait] = merchants[trait].to_numpy(np.float64)
    for kind in KINDS:
        values = merchants[kind].to_numpy()
        for word in sorted(set(values)):
            columns[f"{kind} {word}"] = (values == word).astype(np.float64)
    return tuple(
        Balance(
            name, float(values[who_a].mean()), float(values[who_b].mean()),
            standardised_difference(values[who_a], values[who_b]),
        )
        for name, values in columns.items()
    )  # fmt: skip


def say_balance(found: tuple[Balance, ...], n_a: int, n_b: int) -> str:
    """Say how alike the arms are, and how far apart chance alone puts them."""
    known = [one for one in found if one.standardised is not None]
    chance = normal_quantile((1 + LEVEL) / 2) * math.sqrt(1 / n_a + 1 / n_b)
    beyond = [one for one in known if abs(one.standardised or 0.0) > chance]
    worst = max(known, key=lambda one: abs(one.standardised or 0.0))
    text = (
        f"Balance: {len(beyond)} of {len(known)} traits differ by more than the {chance:.2f} standard deviations that "
        f"chance exceeds in one of twenty; the most is {worst.trait}, {worst.standardised:+.2f}"
    )
    large = [one.trait for one in known if abs(one.standardised or 0.0) > max(LARGE, chance)]
    return f"{text}{', too much to pass over' if large else ''}."
