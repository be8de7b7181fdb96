"""The method of simulated moments: parameters are moved until the simulated moments are those of the data.

The same luck in every trial makes the simulated moments smooth in the parameters, so that a few steps do (Levenberg and
Marquardt's): the slopes are measured by one small move of each parameter, and corrected after every step (Broyden's
rule). They are measured again where that does not suffice, and at the end for the standard errors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.study.fit.paired import Pair
from sim.study.moments.describe import Floats

LARGEST = 0.8  # move of a parameter in one step, on the scale of the search
TRIALS, ROUNDS = 10, 3  # steps at most, and how often slopes are measured anew where these do not suffice
DAMPED, MOST_DAMPED = 0.01, 30.0  # share of each slope's own square that shortens a step: at first, and to give up
NEAR = 0.5  # standard errors: as near as moments need be
RIDGE = 1e-3  # keeps the step finite where two parameters can hardly be told apart


@dataclass(frozen=True)
class Found:
    """Where the search ended.

    Parameters
    ----------
    place : ndarray (pairs,)
        Parameters on the scale of the search.
    simulated : ndarray (pairs,)
        Moments there.
    gaps : ndarray (pairs,)
        Simulated less real moments, in standard errors.
    slopes : ndarray (pairs, pairs)
        Change of each moment with each parameter, measured there.
    path : tuple of float
        Largest gap after each trial that was an improvement, the start first.
    """

    place: Floats
    simulated: Floats
    gaps: Floats
    slopes: Floats
    path: tuple[float, ...]

    @property
    def is_near(self) -> bool:
        """Whether every moment is within one standard error of the data's."""
        return bool((np.abs(self.gaps) <= 1.0).all())


def search(
    pairs: Sequence[Pair], start: Floats, real: Floats, errors: Floats, moments: Callable[[Floats], Floats]
) -> Found:
    """Move the parameters until simulated and real moments agree.

    Parameters
    ----------
    start : ndarray (pairs,)
        Where to begin, on the scale of the search.
    real, errors : ndarray (pairs,)
        Moments of the data and their standard errors.
    moments
        Simulated moments at a place; NaN counts as 10 standard errors away.
    """
    low = np.array([pair.to_search(pair.low) for pair in pairs])
    high = np.array([pair.to_search(pair.high) for pair in pairs])

    def gaps_at(place: Floats) -> tuple[Floats, Floats]:
        simulated = moments(place)
        return simulated, np.where(np.isfinite(simulated), (simulated - real) / errors, 10.0)

    place = np.clip(start, low, high)
    simulated, gaps = gaps_at(place)

    def slopes_at(place: Floats, gaps: Floats) -> Floats:
        slopes = np.zeros((len(pairs), len(pairs)))
        for k, pair in enumerate(pairs):
            step = pair.step if low[k] <= place[k] + pair.step <= high[k] else -pair.step
            moved = place.copy()
            moved[k] += step
            slopes[:, k] = (gaps_at(moved)[1] - gaps) / step
        return slopes

    path = [float(np.abs(gaps).max())]
    for _ in range(ROUNDS):
        slopes, damped, moved = slopes_at(place, gaps), DAMPED, False
        for _ in range(TRIALS):
            move = _step(slopes, gaps, place, low, high, damped)
            if path[-1] <= NEAR or damped > MOST_DAMPED or np.abs(move).max() < 1e-3:
                break
            there, theirs = gaps_at(place + move)
            slopes = slopes + np.outer(theirs - gaps - slopes @ move, move) / float(move @ move)
            if (theirs**2).sum() < (gaps**2).sum():
                place, simulated, gaps, moved = place + move, there, theirs, True
                path.append(float(np.abs(gaps).max()))
                damped /= 3.0
            else:
                damped *= 6.0
        if not moved or path[-1] <= 1.0:
            break
    return Found(place, simulated, gaps, slopes_at(place, gaps) * errors[:, None], tuple(path))


def _step(slopes: Floats, gaps: Floats, place: Floats, low: Floats, high: Floats, damped: float) -> Floats:
    """The damped least-squares step, within bounds; a parameter that presses on its bound is held."""
    is_free: npt.NDArray[np.bool_] = np.ones(place.size, bool)
    move = np.zeros(place.size)
    for _ in range(place.size):
        own = slopes[:, is_free]
        square = own.T @ own
        ridge = RIDGE * np.diag(square).mean() * np.eye(square.shape[0]) + damped * np.diag(np.diag(square))
        move[:] = 0.0
        move[is_free] = -np.linalg.solve(square + ridge, own.T @ gaps)
        move *= min(1.0, LARGEST / max(float(np.abs(move).max()), 1e-12))
        presses = is_free & (((place <= low + 1e-9) & (move < 0)) | ((place >= high - 1e-9) & (move > 0)))
        if not presses.any() or presses.sum() == is_free.sum():
            break
        is_free &= ~presses
    return np.clip(place + move, low, high) - place


def errors_of(found: Found, covariance: Floats, n_real: int, n_simulated: int) -> Floats:
    """Standard errors of the parameters on the scale of the search: those of the moments through the slopes.

    V = D C D' (1 + n_real / n_simulated), D the inverse of the slopes, C the covariance of the data's moments; the
    factor is for the chance in the simulated ones. NaN for a parameter that moves no moment.
    """
    scale = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    slopes = found.slopes / scale[:, None]
    inverse = np.linalg.pinv(slopes, rcond=1e-8)
    correlation = covariance / np.outer(scale, scale)
    variance = np.diag(inverse @ correlation @ inverse.T) * (1.0 + n_real / n_simulated)
    return np.where(np.abs(slopes).max(0) > 0, np.sqrt(np.maximum(variance, 0.0)), np.nan)
