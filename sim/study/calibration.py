"""What a calibration found: parameters, how far each target is, and what to believe of it all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.study.distance import as_number
from sim.study.identify import Profile
from sim.study.search import Point
from sim.study.search_runs import Gap, overlay_files, save_all
from sim.study.stats import Spread
from sim.study.targets import Target

if TYPE_CHECKING:
    from sim.study.findings import Findings, Picture, Sheet


@dataclass(frozen=True)
class TargetFit:
    """One target at the calibrated set: its figure over the fitting and over the held-out worlds, and as it stood.

    Distances are of the means over the worlds whose runs did not fail; None where all did.
    """

    id: str
    target: Target
    fit: Spread
    held_out: Spread
    distance_base: float | None
    distance_fit: float | None
    distance_held_out: float | None

    def row(self) -> dict[str, Any]:
        """Return the row of tables and JSON; dates are days since 1970."""
        return {
            "id": self.id,
            "figure": self.target.figure,
            "kind": self.target.kind,
            "low": as_number(self.target.low),
            "high": as_number(self.target.high),
            "distance_base": self.distance_base,
            "value": self.fit.mean,
            "value_low": self.fit.low,
            "value_high": self.fit.high,
            "distance": self.distance_fit,
            "held_out": self.held_out.mean,
            "held_out_low": self.held_out.low,
            "held_out_high": self.held_out.high,
            "distance_held_out": self.distance_held_out,
        }


@dataclass(frozen=True)
class Calibration:
    """What a calibration found.

    Attributes
    ----------
    best, overrides
        The calibrated parameters by name, and by dotted key, as a scenario writes them.
    targets
        Each target with its distances.
    profiles
        What the targets tell of each parameter; empty where no profile was asked for.
    misfit_base, misfit_fit, misfit_held_out
        Of the means over the worlds: the scenario as it stands and the calibrated set in the fitting worlds, and the
        calibrated set in the held-out ones.
    overfit
        Misfit in held-out worlds less that in fitting worlds (`sim.study.misfit_intervals`).
    gain
        Misfit of the calibrated set less that of the scenario as it stands, in the same held-out worlds.
    n_failed, n_unjudged
        Sets of the search with a run that failed, and held-out runs that did; such worlds are left out of comparisons.
    history
        Sets tried by the search, in order, with the misfit of each.
    """

    best: Mapping[str, Any]
    overrides: Point
    targets: tuple[TargetFit, ...]
    profiles: tuple[Profile, ...]
    misfit_base: float | None
    misfit_fit: float
    misfit_held_out: float | None
    overfit: Gap
    gain: Gap
    history: tuple[tuple[Mapping[str, Any], float], ...]
    seeds: tuple[int, ...]
    held_out: tuple[int, ...]
    seed: int
    sampler_seed: int
    n_failed: int
    n_unjudged: int
    n_runs: int
    profile_trials: int
    scenario: Path | None = None
    settings: Point | None = None

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One dict a target."""
        return [target.row() for target in self.targets]

    def sentences(self) -> tuple[str, ...]:
        """Say in plain words what was found and what to believe of it."""
        from sim.study.search_wording import calibration_sentences

        return tuple(calibration_sentences(self))

    def verdict(self) -> str:
        """The sentences as one text."""
        return " ".join(self.sentences())

    def sheet(self) -> Sheet:
        """The rows as a table for people."""
        from sim.study.search_wording import calibration_sheet

        return calibration_sheet(self)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, one object for JSON."""
        return {"rows": self.rows, "summary": {"verdict": self.verdict(), **self._more()}}

    def _more(self) -> dict[str, Any]:
        return {
            "best": dict(self.best),
            "overrides": dict(self.overrides),
            "parameters": [profile.row() for profile in self.profiles],
            "profiles": {
                profile.name: [
                    {
                        "value": p.written,
                        "misfit": p.misfit,
                        "excess": p.excess.difference,
                        "excess_low": p.excess.low,
                        "excess_high": p.excess.high,
                    }
                    for p in profile.points
                ]
                for profile in self.profiles
            },
            "misfit": {"base": self.misfit_base, "fit": self.misfit_fit, "held_out": self.misfit_held_out},
            "overfit": vars(self.overfit),
            "gain": vars(self.gain),
            "seeds": list(self.seeds),
            "held_out": list(self.held_out),
            "search": {
                "sampler": "tpe",
                "seed": self.seed,
                "sampler_seed": self.sampler_seed,
                "trials": [{**values, "misfit": value} for values, value in self.history],
                "failed": self.n_failed,
                "held_out_failed": self.n_unjudged,
                "runs": self.n_runs,
                "profile_sets_a_grid_value": self.profile_trials,
            },
        }

    def pictures(self) -> dict[str, Picture]:
        """The pictures by name: ``distances``, ``profiles`` (where there are any) and ``search``."""
        from sim.study.search_pictures import draw_distances, draw_misfits, draw_profiles

        drawn = {"distances": draw_distances(self), "search": draw_misfits(self)}
        return drawn | ({"profiles": draw_profiles(self)} if self.profiles else {})

    def files(self) -> dict[str, str]:
        """``calibrated.yaml`` and the scenario it extends, as texts; nothing where the scenario is not known."""
        if self.scenario is None:
            return {}
        title = f"{self.scenario.stem}, calibrated"
        return overlay_files("calibrated", self.scenario, {**(self.settings or {}), **self.overrides}, title)

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
        """Write ``calibration.json``, pictures and ``calibrated.yaml`` into a folder; return the path of the JSON."""
        return save_all(Path(folder), "calibration", self.as_dict(), self.pictures(), self.files())
