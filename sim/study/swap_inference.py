"""The bad rate that a lender infers for swapped-in merchants beside the true one, with the error and its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core import draws
from sim.study.arm_figures import say, say_interval
from sim.study.intervals import NONE, Interval, copies_for, of_copies, of_difference, of_share
from sim.study.reject_inference import METHODS, Inference

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ACCEPTED, _REFUSED = 100, 101  # groups of resampling, apart from those of the swap set


@dataclass(frozen=True)
class Inferred:
    """What one method infers for the swapped-in merchants, and what is true; intervals are 95 %.

    ``error`` is inferred less true: below zero the lender thinks them better than they are. Its interval takes both
    the accepted and the swapped-in merchants as drawn by chance.
    """

    method: str
    stated: str
    n_accepted: int
    n: int
    inferred: float | None
    inferred_interval: Interval
    true: float | None
    true_interval: Interval
    error: float | None
    error_interval: Interval

    def row(self) -> dict[str, Any]:
        """Return plain values; an undefined number is None."""
        return {
            "method": self.method, "stated": self.stated, "n_accepted": self.n_accepted, "n": self.n,
            "inferred": self.inferred, "inferred_low": self.inferred_interval.low,
            "inferred_high": self.inferred_interval.high,
            "true": self.true, "true_low": self.true_interval.low, "true_high": self.true_interval.high,
            "error": self.error, "error_low": self.error_interval.low, "error_high": self.error_interval.high,
        }  # fmt: skip

    def say(self, lender: str) -> str:
        """Say how wrong the inference is."""
        if self.error is None:
            return f"By {self.method} {lender} could infer nothing of them."
        low, high = self.error_interval
        if low is None or high is None:
            word = "nobody or everybody went bad, so that nothing says how sure that is"
        elif low <= 0 <= high:
            word = "not told apart from the truth"
        else:
            word = "too low" if high < 0 else "too high"
        return (
            f"By {self.method}{f' ({self.stated})' if self.stated else ''} {lender} would infer "
            f"{say('share', self.inferred)} of those taken in: {word}; "
            f"off by {say('share', self.error, signed=True)} "
            f"{say_interval('share', self.error_interval, signed=True)}".rstrip() + "."
        )


def infer(
    inference: Inference,
    score: NDArray[np.float64],
    is_bad: NDArray[np.bool_],
    refused: NDArray[np.float64],
    refused_bad: NDArray[np.bool_],
    seed: int,
    copies: int | None = None,
) -> tuple[Inferred, ...]:
    """Infer by every method, and compare with the truth.

    Parameters
    ----------
    score, is_bad : (n,)
        Scores and outcomes of those whom the lender accepted.
    refused, refused_bad : (m,)
        Its scores of the swapped-in merchants whose outcome under the other lender is known, and that outcome.
    seed, copies
        Of the resampling of merchants that gives the intervals.
    """
    known, asked = np.isfinite(score), np.isfinite(refused)
    score, is_bad, refused, refused_bad = score[known], is_bad[known], refused[asked], refused_bad[asked]
    best = inference.inferred(score, is_bad, refused)
    true = float(refused_bad.mean()) if refused.size else None
    drawn, truths = _copies(inference, score, is_bad, refused, refused_bad, seed, copies)
    stated = {"parcelling": f"{inference.bands} bands, factor {inference.factor:g}"}
    found = []
    counts = int(refused_bad.sum()), int(refused.size), int(is_bad.sum()), int(score.size)
    # where nobody, or everybody, went bad, merchants drawn again do not differ, which is not certainty
    is_told = 0 < counts[0] < counts[1] and 0 < counts[2] < counts[3]
    for place, method in enumerate(METHODS):
        guess = best[method]
        if method == "accepted":
            intervals = of_share(*counts[2:]), of_difference(*counts)
        elif is_told:
            intervals = of_copies(drawn[:, place]), of_copies(drawn[:, place] - truths)
        else:
            intervals = NONE, NONE
        found.append(
            Inferred(
                method, stated.get(method, ""), int(score.size), int(refused.size),
                guess, intervals[0], true, of_share(*counts[:2]),
                None if guess is None or true is None else guess - true, intervals[1],
            )
        )  # fmt: skip
    return tuple(found)


def _copies(
    inference: Inference, score: Any, is_bad: Any, refused: Any, refused_bad: Any, seed: int, copies: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what each method infers of merchants drawn again, (copies, methods), and the truth of them, (copies,)."""
    if score.size == 0 or refused.size == 0:
        return np.full((1, len(METHODS)), np.nan), np.full(1, np.nan)
    copies = copies or copies_for(score.size + refused.size)
    drawn, truths = np.full((copies, len(METHODS)), np.nan), np.zeros(copies)
    for copy in range(copies):
        ours, theirs = (
            _again(size, seed, group, copy) for size, group in ((score.size, _ACCEPTED), (refused.size, _REFUSED))
        )
        found = inference.inferred(score[ours], is_bad[ours], refused[theirs])
        drawn[copy] = [np.nan if found[method] is None else found[method] for method in METHODS]
        truths[copy] = refused_bad[theirs].mean()
    return drawn, truths


def _again(n: int, seed: int, group: int, copy: int) -> NDArray[np.int64]:
    uniform = draws.uniform(seed, "study.resample", group, np.arange(n), copy)
    return np.minimum(uniform * n, n - 1).astype(np.int64)
