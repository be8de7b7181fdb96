"""Which factors move a measure: one at a time (tornado), Morris' screening and Sobol's shares of variance.

:func:`tornado` here, and ``morris`` and ``sobol`` of :mod:`sim.study.salib`, take ``outcomes``, (n_points, n_worlds),
of one measure, nan where a run failed or the measure is undefined: every point lived through the same worlds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.study import designs
from sim.study.designs import Factor, Sampling
from sim.study.stats import Paired, Spread, pair

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from sim.study.findings import Findings, Measured
    from sim.study.plan import Plan
    from sim.study.study_file import DesignSpec

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Effect:
    """What one factor, taken alone to one value, changes from the base, paired by world."""

    factor: str
    written: Any
    paired: Paired


@dataclass(frozen=True)
class Tornado:
    """The effects of all factors on one measure, the factor that moves it most first."""

    measure: str
    effects: tuple[Effect, ...]
    n_worlds: int

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One dict per factor and value: ``measure, factor, value, base, mean, difference, low, high, n_seeds``."""
        return [
            {
                "measure": self.measure, "factor": one.factor, "value": one.written, "base": one.paired.mean_a,
                "mean": one.paired.mean_b, "difference": one.paired.difference, "low": one.paired.low,
                "high": one.paired.high, "n_seeds": one.paired.n,
            }
            for one in self.effects
        ]  # fmt: skip

    @property
    def factors(self) -> tuple[str, ...]:
        """The factors, the one that moves the measure most first."""
        return tuple(dict.fromkeys(one.factor for one in self.effects))

    def sentence(self) -> str:
        """Say which factors move the measure, how far, and which are not told apart from chance."""
        from sim.study.sensitivity_words import say_tornado

        return say_tornado(self)


@dataclass(frozen=True)
class Screening:
    """What Morris' method says of one factor.

    Attributes
    ----------
    mu
        Mean elementary effect: the change of the measure when the factor goes over its whole range.
    mu_star, low, high
        Mean of its size, whatever its sign, with a 95 % interval over trajectories (bootstrap, by SALib).
    sigma
        Its spread over the space: bends and interactions.
    by_world
        ``mu_star`` of each world alone, summarised over worlds. Its mean lies above ``mu_star`` where luck is large.
    noise
        ``mu_star`` that the luck of the worlds alone would give an idle factor; None with one world.
    """

    factor: str
    mu: float
    mu_star: float
    low: float
    high: float
    sigma: float
    by_world: Spread
    noise: float | None

    @property
    def is_clear(self) -> bool:
        """True when the effect is told apart from what luck alone would give."""
        return self.noise is not None and self.low > self.noise


@dataclass(frozen=True)
class Morris:
    """Screening of all factors for one measure, the strongest first; ``seed`` is what SALib was given."""

    measure: str
    screenings: tuple[Screening, ...]
    n_trajectories: int
    n_dropped: int
    n_worlds: int
    seed: int

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One dict per factor: ``measure, factor, mu, mu_star, low, high, sigma, noise, world_...``."""
        return [
            {
                "measure": self.measure, "factor": one.factor, "mu": one.mu, "mu_star": one.mu_star, "low": one.low,
                "high": one.high, "sigma": one.sigma, "noise": one.noise, "world_mu_star": one.by_world.mean,
                "world_low": one.by_world.low, "world_high": one.by_world.high, "n_seeds": one.by_world.n,
            }
            for one in self.screenings
        ]  # fmt: skip

    def sentence(self) -> str:
        """Say which factors matter, and which are not told apart from chance."""
        from sim.study.sensitivity_words import say_morris

        return say_morris(self)


@dataclass(frozen=True)
class Share:
    """What part of the variance a factor explains: alone (``first``), and with all it interacts with (``total``)."""

    factor: str
    first: float
    first_low: float
    first_high: float
    total: float
    total_low: float
    total_high: float


@dataclass(frozen=True)
class Sobol:
    """Sobol's shares of the variance that the factors cause in the mean over worlds of one measure, largest first.

    Attributes
    ----------
    noise_share
        Part of that variance which is luck left over by averaging few worlds; up to as much of any total share may be
        noise. None with one world, where it cannot be known.
    luck_share
        Part of the variance of single runs that is the luck of their world, and no factor's.
    n_blocks, n_dropped
        Blocks of points that the shares rest on, and those left out because a run in them failed in every world.
    """

    measure: str
    shares: tuple[Share, ...]
    noise_share: float | None
    luck_share: float | None
    n_blocks: int
    n_dropped: int
    n_worlds: int
    seed: int

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One dict per factor: ``measure, factor, first, first_low, ..., total_high, noise_share, luck_share``."""
        about = {"noise_share": self.noise_share, "luck_share": self.luck_share, "n_seeds": self.n_worlds}
        return [{"measure": self.measure, **vars(one), **about} for one in self.shares]

    def sentence(self) -> str:
        """Say what explains the variance, what is interaction, and what is luck."""
        from sim.study.sensitivity_words import say_sobol

        return say_sobol(self)


Answer = Tornado | Morris | Sobol


def sampling_of(design: DesignSpec, factors: Sequence[Factor], seed: int) -> Sampling:
    """Return the samples of morris or sobol_indices, the same for the same seed."""
    if design.kind == "morris":
        return designs.morris(factors, design.trajectories, seed)
    if design.kind != "sobol_indices":
        raise ValueError(f"design: {design.kind} is no sampling; allowed: morris, sobol_indices")
    if design.points is None:
        raise ValueError("sobol_indices needs a number of base samples; as in points: 64")
    return designs.saltelli(factors, design.points, seed)


def analyse(plan: Plan, measured: Measured) -> Findings:
    """Tell of every measure which factors move it, with a picture each."""
    from sim.study import pictures
    from sim.study.findings import Findings, Picture

    answers = list(_answers(plan, measured))
    drawn = {f"{type(one).__name__.lower()}_{one.measure}": Picture(pictures.draw(one), one.sentence())
             for one in answers}  # fmt: skip
    seeds = {"salib_seed": answers[0].seed} if answers and not isinstance(answers[0], Tornado) else {}
    rows = [row for one in answers for row in one.rows]
    return Findings(rows, tuple(one.sentence() for one in answers), drawn, more=seeds)


def _answers(plan: Plan, measured: Measured) -> Iterator[Answer]:
    from sim.study.salib import morris, sobol

    design, seed = plan.file.design, plan.file.first_seed
    points = [plan.points[name] for name in measured.points]
    for measure in plan.measures:
        outcomes = measured.array(measure)
        if design.kind == "one_at_a_time":
            yield tornado(plan.factors, points, outcomes, measure)
        elif design.kind == "morris":
            yield morris(plan.factors, sampling_of(design, plan.factors, seed), outcomes, measure)
        else:
            yield sobol(plan.factors, sampling_of(design, plan.factors, seed), outcomes, measure)


def tornado(factors: Sequence[Factor], points: Sequence[Mapping[str, Any]], outcomes: Floats, measure: str) -> Tornado:
    """Compare every point that leaves the base by one factor with the base, which is the first point.

    Raises
    ------
    ValueError
        If outcomes and points are not of one length.
    """
    refuse_other_length(outcomes, len(points))
    base = points[0]
    found: dict[str, list[Effect]] = {factor.name: [] for factor in factors}
    for point, values in zip(points[1:], outcomes[1:], strict=True):
        changed = [name for name in found if repr(point.get(name)) != repr(base.get(name))]
        if len(changed) == 1:
            paired = pair(outcomes[0].tolist(), values.tolist())
            found[changed[0]].append(Effect(changed[0], point[changed[0]], paired))
    by_reach = sorted(found.values(), key=_reach, reverse=True)
    return Tornado(measure, tuple(one for own in by_reach for one in own), outcomes.shape[1])


def _reach(effects: Sequence[Effect]) -> float:
    return max((abs(one.paired.difference or 0.0) for one in effects), default=0.0)


def refuse_other_length(outcomes: Floats, n_points: int) -> None:
    """Refuse outcomes that are not a row for each point."""
    if outcomes.ndim != 2 or len(outcomes) != n_points:
        raise ValueError(f"outcomes of the shape {outcomes.shape} for {n_points} points; a row for each point")
