"""What an optimisation found: candidates after fresh worlds, the Pareto set, the one to choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.study.objectives import Constraint, Objective
from sim.study.search import Point
from sim.study.search_runs import Gap, overlay_files, save_all
from sim.study.stats import Paired, Spread

if TYPE_CHECKING:
    from sim.study.findings import Findings, Picture, Sheet


@dataclass(frozen=True)
class Answer:
    """One measure of a candidate: in the worlds of the search, in fresh ones, and against the scenario as it stands.

    Attributes
    ----------
    gain
        Candidate less base in the same fresh worlds.
    drop
        How much better the gain looked in the worlds of the search than it is in fresh ones; above zero: it looked
        too good. Unpaired, as the worlds are others.
    """

    measure: str
    search: Spread
    fresh: Spread
    gain: Paired
    drop: Gap


@dataclass(frozen=True)
class Candidate:
    """A point that the search proposed, after the fresh worlds.

    Attributes
    ----------
    values, overrides
        Its levers by name, and by dotted key, as a scenario writes them.
    is_feasible, is_sure
        Whether the means in fresh worlds meet every constraint, and whether their whole intervals do.
    is_on_front
        Whether no other feasible candidate is at least as good in every objective and better in one, in fresh worlds.
    """

    values: Mapping[str, Any]
    overrides: Point
    answers: Mapping[str, Answer]
    is_feasible: bool
    is_sure: bool
    is_on_front: bool

    def row(self, *, is_chosen: bool) -> dict[str, Any]:
        """Return the row of tables and JSON."""
        row: dict[str, Any] = dict(self.values)
        for name, one in self.answers.items():
            row |= {
                name: one.fresh.mean,
                f"{name}_low": one.fresh.low,
                f"{name}_high": one.fresh.high,
                f"{name}_search": one.search.mean,
                f"{name}_gain": one.gain.difference,
                f"{name}_gain_low": one.gain.low,
                f"{name}_gain_high": one.gain.high,
                f"{name}_drop": one.drop.difference,
                f"{name}_drop_low": one.drop.low,
                f"{name}_drop_high": one.drop.high,
            }
        states = {"feasible": self.is_feasible, "sure": self.is_sure, "on_front": self.is_on_front}
        return {**row, **states, "chosen": is_chosen}


@dataclass(frozen=True)
class Tried:
    """A point of the search: its levers, its means in the search's worlds (None: it failed), what it breaks."""

    values: Mapping[str, Any]
    units: tuple[float, ...]
    means: Mapping[str, float] | None
    violations: tuple[float, ...]

    @property
    def is_feasible(self) -> bool:
        """Whether its means meet every constraint."""
        return self.means is not None and all(one <= 0 for one in self.violations)


@dataclass(frozen=True)
class Optimisation:
    """What an optimisation found.

    Attributes
    ----------
    candidates
        What lived through fresh worlds, the chosen one first.
    chosen
        The one to take by the stated preference; None where none meets the constraints in fresh worlds.
    base
        The scenario as it stands, in fresh worlds, by measure; ``is_base_feasible`` says whether it meets the
        constraints there.
    history
        All points of the search, in order.
    n_fresh_failed
        Runs in fresh worlds that failed; they are left out, and out of the pairs.
    """

    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...]
    preference: Mapping[str, float]
    candidates: tuple[Candidate, ...]
    chosen: Candidate | None
    base: Mapping[str, Spread]
    is_base_feasible: bool
    history: tuple[Tried, ...]
    levers: tuple[str, ...]
    seeds: tuple[int, ...]
    fresh: tuple[int, ...]
    seed: int
    sampler: str
    sampler_seed: int
    n_runs: int
    n_fresh_failed: int = 0
    scenario: Path | None = None
    settings: Point | None = None

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One dict a candidate."""
        return [candidate.row(is_chosen=candidate is self.chosen) for candidate in self.candidates]

    @property
    def front(self) -> tuple[Candidate, ...]:
        """The Pareto set in fresh worlds."""
        return tuple(candidate for candidate in self.candidates if candidate.is_on_front)

    def sentences(self) -> tuple[str, ...]:
        """Say in plain words what is best, by how much, and whether that is more than chance."""
        from sim.study.search_wording import optimisation_sentences

        return tuple(optimisation_sentences(self))

    def verdict(self) -> str:
        """The sentences as one text."""
        return " ".join(self.sentences())

    def sheet(self) -> Sheet:
        """The rows as a table for people."""
        from sim.study.search_wording import optimisation_sheet

        return optimisation_sheet(self)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, one object for JSON."""
        return {"rows": self.rows, "summary": {"verdict": self.verdict(), **self._more()}}

    def _more(self) -> dict[str, Any]:
        return {
            "objectives": [str(one) for one in self.objectives],
            "constraints": [str(one) for one in self.constraints],
            "preference": dict(self.preference),
            "chosen": None if self.chosen is None else dict(self.chosen.values),
            "base": {name: {"mean": s.mean, "low": s.low, "high": s.high} for name, s in self.base.items()},
            "base_feasible": self.is_base_feasible,
            "seeds": list(self.seeds),
            "fresh": list(self.fresh),
            "search": {
                "sampler": self.sampler,
                "seed": self.seed,
                "sampler_seed": self.sampler_seed,
                "runs": self.n_runs,
                "fresh_failed": self.n_fresh_failed,
                "failed": sum(one.means is None for one in self.history),
                "trials": [{**one.values, **(one.means or {}), "feasible": one.is_feasible} for one in self.history],
            },
        }

    def pictures(self) -> dict[str, Picture]:
        """The pictures by name: ``front`` (or ``gain`` for a single objective), ``levers`` and ``search``."""
        from sim.study import search_pictures as draw

        first = {"front": draw.draw_front(self)} if len(self.objectives) > 1 else {"gain": draw.draw_gain(self)}
        return {**first, "levers": draw.draw_levers(self), "search": draw.draw_progress(self)}

    def files(self) -> dict[str, str]:
        """``chosen.yaml`` and the scenario it extends, as texts; nothing where no point is chosen."""
        if self.scenario is None or self.chosen is None:
            return {}
        title = f"{self.scenario.stem}, optimised"
        return overlay_files("chosen", self.scenario, {**(self.settings or {}), **self.chosen.overrides}, title)

    def findings(self) -> Findings:
        """Return it in the form of every study's answer."""
        from sim.study.findings import Findings

        return Findings(
            rows=self.rows,
            sentences=self.sentences(),
            pictures=self.pictures(),
            more=self._more(),
            files=self.files(),
            sheet=self.sheet(),
        )

    def save(self, folder: str | Path) -> Path:
        """Write ``optimisation.json``, pictures and ``chosen.yaml`` into a folder; return the path of the JSON."""
        return save_all(Path(folder), "optimisation", self.as_dict(), self.pictures(), self.files())
