"""What calibration and optimisation share: ask optuna for a batch of points, run them, tell it; the same every time.

Points live in the unit cube, one axis a factor, so that units, logarithms and whole numbers are the factor's own
business. optuna is asked for batches of a fixed size, whatever the number of workers, and told the answers in the order
in which it asked: a search is a function of its seed and of what the runs say. Done again, it asks for the same runs.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from sim.core.draws import day_key
from sim.errors import LendsimError

BATCH = 8  # points asked for at once: a constant, since another size would be another search
_START_PER_FACTOR, _LEAST_START = 4, 8  # points spread evenly before the sampler learns
_STREAM, _DAY = "fit.resample", 9_000  # of samplers' seeds; no other draw of the stream uses this day number

Point = Mapping[str, Any]
Sampler = Literal["tpe", "nsga2"]


class Factor(Protocol):
    """What a search must know of a factor; `sim.study.designs.Factor` is one."""

    @property
    def name(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def values(self) -> tuple[Any, ...]: ...
    def at(self, u: float, /) -> Any: ...


class MissingExtraError(LendsimError):
    """A library that only searches need is not installed."""


@dataclass(frozen=True)
class Proposal:
    """A point that optuna asked for: its place in the unit cube, and what is laid over the scenario there."""

    units: tuple[float, ...]
    point: Point
    number: int


@dataclass(frozen=True)
class Score:
    """What optuna is told of a point: a value for each objective, and how far each constraint is broken.

    Values are None for a point that failed; violations at or below zero are none.
    """

    values: tuple[float, ...] | None
    violations: tuple[float, ...] = ()


def load_optuna() -> Any:
    """Import optuna, quiet.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise MissingExtraError(
            "a search needs optuna, which is not installed; pip install 'lendsim[study]' adds it"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def sampler_seed(seed: int) -> int:
    """The seed of the sampler: 31 bits of the project's own hash of the study's seed."""
    return int(day_key(seed, _STREAM, _DAY)) & 0x7FFFFFFF


class Search:
    """One search: asks for points, is told what they are worth.

    Parameters
    ----------
    factors
        The axes, in order.
    seed
        Of the study.
    directions
        ``minimize`` or ``maximize`` for each value that is told.
    n_trials
        Points that will be asked for; a part of them, at most half, is spread evenly (Latin hypercube).
    constrained
        Whether violations are told.
    """

    def __init__(
        self,
        factors: Sequence[Factor],
        *,
        seed: int,
        directions: Sequence[str] = ("minimize",),
        n_trials: int = 100,
        sampler: Sampler = "tpe",
        constrained: bool = False,
    ) -> None:
        self._optuna = optuna = load_optuna()
        self._factors = tuple(factors)
        self.sampler_seed = sampler_seed(seed)
        n_even = min(max(_LEAST_START, _START_PER_FACTOR * len(factors)), max(1, n_trials // 2))
        with _quiet():
            chosen = self._sampler(sampler, n_even, constrained)
            self._study = optuna.create_study(directions=list(directions), sampler=chosen)
            self._axes = {factor.name: self._axis(factor) for factor in self._factors}
            for units in evenly(len(self._factors), n_even, self.sampler_seed):
                self._study.enqueue_trial(self._params(units))
        self._asked: dict[int, Any] = {}

    def ask(self, n: int) -> list[Proposal]:
        """Ask for ``n`` points."""
        found = []
        with _quiet():
            for _ in range(n):
                trial = self._study.ask(self._axes)
                units = tuple(_unit(factor, trial.params[factor.name]) for factor in self._factors)
                self._asked[trial.number] = trial
                found.append(Proposal(units, point_at(self._factors, units), trial.number))
        return found

    def tell(self, proposals: Sequence[Proposal], scores: Sequence[Score]) -> None:
        """Tell what the points of a batch are worth, in the order in which they were asked for."""
        failed = self._optuna.trial.TrialState.FAIL
        with _quiet():
            for proposal, score in zip(proposals, scores, strict=True):
                trial = self._asked.pop(proposal.number)
                trial.set_user_attr("violations", list(score.violations))
                if score.values is None:
                    self._study.tell(trial, state=failed)
                else:
                    self._study.tell(trial, list(score.values))

    def _sampler(self, kind: Sampler, n_even: int, constrained: bool) -> Any:
        samplers = self._optuna.samplers
        broken = (lambda trial: trial.user_attrs["violations"]) if constrained else None
        if kind == "nsga2":
            size = max(4 * BATCH, n_even)
            return samplers.NSGAIISampler(population_size=size, seed=self.sampler_seed, constraints_func=broken)
        return samplers.TPESampler(
            n_startup_trials=n_even,
            seed=self.sampler_seed,
            multivariate=True,
            constant_liar=True,  # points of one batch keep apart
            constraints_func=broken,
        )

    def _axis(self, factor: Factor) -> Any:
        distributions = self._optuna.distributions
        if factor.values:
            return distributions.CategoricalDistribution(list(range(len(factor.values))))
        return distributions.FloatDistribution(0.0, 1.0)

    def _params(self, units: Sequence[float]) -> dict[str, float | int]:
        return {factor.name: _place(factor, u) for factor, u in zip(self._factors, units, strict=True)}


def point_at(factors: Sequence[Factor], units: Sequence[float]) -> dict[str, Any]:
    """Return what is laid over the scenario at a place of the unit cube, by dotted key."""
    return {factor.key: factor.at(u) for factor, u in zip(factors, units, strict=True)}


def batches(n: int) -> Iterator[int]:
    """Sizes of the batches of a search of ``n`` points."""
    while n > 0:
        yield min(n, BATCH)
        n -= BATCH


def evenly(n_axes: int, n: int, seed: int) -> list[list[float]]:
    """A Latin hypercube of ``n`` points in the unit cube (McKay, Beckman and Conover 1979)."""
    from scipy.stats import qmc

    return [] if n == 0 else [list(map(float, one)) for one in qmc.LatinHypercube(n_axes, rng=seed).random(n)]


def _place(factor: Factor, u: float) -> float | int:
    """optuna's value for a place on a factor's axis."""
    return min(int(u * len(factor.values)), len(factor.values) - 1) if factor.values else float(u)


def _unit(factor: Factor, value: float | int) -> float:
    return (value + 0.5) / len(factor.values) if factor.values else float(value)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep optuna's remarks on what it calls experimental to itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
