"""Reject inference: what a lender would guess of merchants whom it has refused, from those whom it has accepted.

It knows the score of everyone who asked, and the outcome of those it lent to. Three guesses of the bad rate of the
refused, each a common practice with a known weakness (facts C.10, C.11):

- ``accepted``: as of all accepted; wrong wherever the score means anything.
- ``extrapolation``: a logistic curve of the outcome on the score's log odds, fitted to the accepted and drawn on below
  the cut-off; right only if the score has told everything by which they were chosen.
- ``parcelling``: the bad rate of the score's band among the accepted, times a stated factor, the lowest band standing
  for all scores below; the factor is an assumption, whatever it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHODS = ("accepted", "extrapolation", "parcelling")
BANDS = 5
FACTOR = 2.0  # assumption: refused merchants of a band go bad twice as often as accepted ones
_STEPS = 25
_RIDGE = 1e-6  # keeps the curve finite where a score parts good and bad without an exception
_EDGE = 1e-6  # scores of 0 and 1 have no log odds


@dataclass(frozen=True)
class Inference:
    """How a lender infers: score bands of the accepted, and what refused merchants are worse by within a band."""

    bands: int = BANDS
    factor: float = FACTOR

    def __post_init__(self) -> None:
        if self.bands < 1:
            raise ValueError(f"{self.bands} bands; at least 1 is needed")
        if self.factor <= 0:
            raise ValueError(f"factor {self.factor:g}; it must be above 0")

    def inferred(
        self, score: NDArray[np.float64], is_bad: NDArray[np.bool_], refused: NDArray[np.float64]
    ) -> dict[str, float | None]:
        """Return the bad rate that each method infers for the refused; None where it cannot be told.

        Parameters
        ----------
        score, is_bad : (n,)
            Score, 0 to 1, and outcome of the accepted.
        refused : (m,)
            Scores of the refused.
        """
        if score.size == 0 or refused.size == 0:
            return dict.fromkeys(METHODS)
        return {
            "accepted": float(is_bad.mean()),
            "extrapolation": self._extrapolated(score, is_bad, refused),
            "parcelling": self._parcelled(score, is_bad, refused),
        }

    def _extrapolated(self, score: Any, is_bad: Any, refused: Any) -> float | None:
        if is_bad.all() or not is_bad.any() or np.ptp(score) == 0:
            return None
        level, slope = logistic_curve(log_odds(score), is_bad)
        return float(np.mean(_logistic(level + slope * log_odds(refused))))

    def _parcelled(self, score: Any, is_bad: Any, refused: Any) -> float:
        edges = np.quantile(score, np.arange(1, self.bands) / self.bands)
        band, own = np.searchsorted(edges, score, side="right"), np.searchsorted(edges, refused, side="right")
        n = np.bincount(band, minlength=self.bands)
        bad = np.bincount(band, is_bad, self.bands)
        rates = np.where(n > 0, bad / np.maximum(n, 1), is_bad.mean())
        return float(np.mean(np.minimum(self.factor * rates[own], 1.0)))


def log_odds(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``ln(p / (1 - p))`` of probabilities of staying good, held off 0 and 1."""
    p = np.clip(np.asarray(score, np.float64), _EDGE, 1.0 - _EDGE)
    return np.asarray(np.log(p / (1.0 - p)))


def logistic_curve(x: NDArray[np.float64], is_bad: NDArray[np.bool_]) -> tuple[float, float]:
    """Return level and slope of ``P(bad) = 1 / (1 + exp(-(level + slope x)))`` of highest likelihood, by Newton steps.

    A step that would not raise the likelihood is halved, so that rare events do not throw it off.
    """
    centre, spread = float(x.mean()), float(x.std()) or 1.0
    columns = np.column_stack([np.ones(x.size), (x - centre) / spread])
    y = np.asarray(is_bad, np.float64)
    rate = (y.sum() + 0.5) / (y.size + 1.0)
    found = np.array([np.log(rate / (1.0 - rate)), 0.0])
    best = _likelihood(columns, y, found)
    for _ in range(_STEPS):
        p = _logistic(columns @ found)
        slope = columns.T @ (y - p) - _RIDGE * found
        bend = (columns * (p * (1.0 - p))[:, None]).T @ columns + _RIDGE * np.eye(2)
        step = np.linalg.solve(bend, slope)
        for _ in range(_STEPS):
            reached = _likelihood(columns, y, found + step)
            if reached >= best:
                break
            step = step / 2.0
        else:
            break
        found, gain, best = found + step, reached - best, reached
        if gain < 1e-10:
            break
    slope_of_x = float(found[1]) / spread
    return float(found[0]) - slope_of_x * centre, slope_of_x


def _likelihood(columns: NDArray[np.float64], y: NDArray[np.float64], at: NDArray[np.float64]) -> float:
    z = columns @ at
    return float(np.sum(y * z - np.logaddexp(0.0, z)) - _RIDGE / 2.0 * np.sum(at * at))


def _logistic(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(z, -700.0, 700.0))))
