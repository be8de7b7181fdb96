"""The runs of a search: points in worlds, worlds that the search does not see, and what is written in the end."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import LendsimError, ScenarioError
from sim.study.search import Factor, Point
from sim.study.stats import LEVEL, student, summarise

if TYPE_CHECKING:
    from sim.engine.scenario import Scenario
    from sim.study.findings import Picture
    from sim.study.lab import Lab

Row = Mapping[str, float | None]
Evaluate = Callable[[Sequence[Point], Sequence[int]], list[list[Row | None]]]


@dataclass(frozen=True)
class Gap:
    """Mean of ``a`` less mean of ``b`` in unrelated worlds, with its 95 % interval by Welch's t (Welch 1947)."""

    difference: float | None
    low: float | None
    high: float | None

    @property
    def is_clear(self) -> bool:
        """True when the interval leaves zero out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def gap(a: Sequence[float | None], b: Sequence[float | None]) -> Gap:
    """Compare two samples that share no worlds; no interval with fewer than two values on either side."""
    one, other = summarise(a), summarise(b)
    if one.mean is None or other.mean is None:
        return Gap(None, None, None)
    difference = one.mean - other.mean
    if one.standard_error is None or other.standard_error is None:
        return Gap(difference, None, None)
    parts = one.standard_error**2, other.standard_error**2
    error = math.sqrt(sum(parts))
    if error == 0:
        return Gap(difference, difference, difference)
    # Welch and Satterthwaite's degrees of freedom, on shares of the variance so that nothing under- or overflows.
    shares = [part / sum(parts) for part in parts]
    degrees = 1 / (shares[0] ** 2 / (one.n - 1) + shares[1] ** 2 / (other.n - 1))
    half = student((1 + LEVEL) / 2, degrees) * error  # type: ignore[arg-type]
    return Gap(difference, difference - half, difference + half)


class Worlds:
    """Runs of points in worlds, each point once: factors that are whole numbers make many points one."""

    def __init__(self, evaluate: Evaluate) -> None:
        self._evaluate = evaluate
        self._known: dict[tuple[str, int], Row | None] = {}

    @property
    def n_runs(self) -> int:
        """How many runs were asked for so far."""
        return len(self._known)

    def rows(self, points: Sequence[Point], seeds: Sequence[int]) -> list[list[Row | None]]:
        """Return what each point gave under each seed; None for a run that failed.

        Raises
        ------
        LendsimError
            When several points are run and every run fails: that is no matter of their parameters.
        """
        names = [repr(sorted(point.items())) for point in points]
        missing = {
            name: point
            for name, point in zip(names, points, strict=True)
            if any((name, seed) not in self._known for seed in seeds)
        }
        if missing:
            found = self._evaluate(list(missing.values()), list(seeds))
            if len(missing) > 1 and all(row is None for rows in found for row in rows):
                raise LendsimError(
                    f"every run failed of the {len(missing)} points asked for at once ({_listed(seeds)})"
                )
            for name, rows in zip(missing, found, strict=True):
                self._known |= {(name, seed): row for seed, row in zip(seeds, rows, strict=True)}
        return [[self._known[name, seed] for seed in seeds] for name in names]


def evaluate_with(lab: Lab, load: Callable[[Point], Scenario], lender: str | None = None) -> Evaluate:
    """Return what evaluates points by a laboratory; ``load`` gives the scenario of what is laid over it.

    Runs that all fail end the search with what the first of them says.

    A point that is no valid scenario (two parameters that do not go together) fails in every world. Where that is so
    for every point of a batch, the scenario's error comes out.
    """

    def evaluate(points: Sequence[Point], seeds: Sequence[int]) -> list[list[Row | None]]:
        scenarios, refused = {}, list[ScenarioError]()
        for k, point in enumerate(points):
            try:
                scenarios[f"point-{k}"] = load(point)
            except ScenarioError as error:
                refused.append(error)
        if refused and not scenarios:
            raise refused[0]
        outcomes = lab.measure(scenarios, list(seeds))
        if len(points) > 1 and all(outcome.has_failed for outcome in outcomes.values()):
            raise LendsimError(f"every run failed; the first: {next(iter(outcomes.values())).reason}")

        def row(name: str, seed: int) -> Row | None:
            outcome = outcomes.get((name, seed))
            if outcome is None or outcome.summary is None:
                return None
            return outcome.summary if lender is None else outcome.summaries.get(lender, {})

        return [[row(f"point-{k}", seed) for seed in seeds] for k in range(len(points))]

    return evaluate


def _listed(seeds: Sequence[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds[:5]))}{', ...' if len(seeds) > 5 else ''}"


def check_search(factors: Sequence[Factor], seeds: Sequence[int], trials: int) -> None:
    """Refuse a search that has nothing to vary, no worlds, or no trials; and factors that share a name or a key.

    Raises
    ------
    ValueError
        Naming what is wrong.
    """
    if not factors:
        raise ValueError("a search needs at least one factor to vary")
    for what in ("name", "key"):
        given = [getattr(factor, what) for factor in factors]
        twice = next((one for one in given if given.count(one) > 1), None)
        if twice is not None:
            raise ValueError(f"two factors have the {what} {twice!r}")
    if not seeds:
        raise ValueError("seeds: a search needs at least one world, and two for an interval")
    if len(set(seeds)) < len(seeds):
        raise ValueError("seeds: every world counts once")
    if trials < 1:
        raise ValueError(f"trials: {trials} is none; at least 1 is needed")


def unseen_worlds(seeds: Sequence[int], wanted: int | Sequence[int], what: str) -> tuple[int, ...]:
    """Seeds that the search does not see: so many after its last one, or those given.

    Raises
    ------
    ValueError
        If a given one is a world of the search.
    """
    if isinstance(wanted, int):
        if wanted < 2:
            raise ValueError(f"{what}: {wanted} worlds have no interval; at least 2 are needed")
        return tuple(range(max(seeds) + 1, max(seeds) + 1 + wanted))
    seen = sorted(set(seeds) & set(wanted))
    if seen:
        raise ValueError(f"{what}: the search has seen the world of seed {seen[0]}; give others")
    if len(set(wanted)) < max(2, len(wanted)):
        raise ValueError(f"{what}: at least two worlds, each once")
    return tuple(wanted)


def overlay_files(name: str, base: Path, laid_over: Point, title: str) -> dict[str, str]:
    """Return a scenario that extends ``base``, and the base in full beside it, as texts by file name.

    A scenario may only extend files of its own folder tree, so the base comes along, resolved: it needs no other file
    (modules of own policies, which lie beside the base, must be copied by hand).
    """
    from sim.engine.inputs.resolved import as_yaml
    from sim.engine.scenario import load

    copy = f"{base.stem}_resolved"
    nested: dict[str, Any] = {"about": {"title": title}, "extends": copy}
    for key, value in laid_over.items():
        *steps, last = key.split(".")
        inner = nested
        for step in steps:
            inner = inner.setdefault(step, {})
        inner[last] = value
    text = as_yaml(nested, {}).partition("\n")[2]
    return {f"{name}.yaml": f"# Found by a search; laid over {base.name}.\n{text}", f"{copy}.yaml": load(base).dump()}


def save_all(folder: Path, name: str, content: Mapping[str, Any], pictures: Mapping[str, Picture],
             files: Mapping[str, str]) -> Path:  # fmt: skip
    """Write ``NAME.json``, a picture each and the texts into a folder; return the path of the JSON."""
    from sim.results.files import write_whole
    from sim.study.search_pictures import as_svg

    folder.mkdir(parents=True, exist_ok=True)
    for title, picture in pictures.items():
        write_whole(folder / f"{title}.svg", as_svg(picture).encode())
    for file, text in files.items():
        write_whole(folder / file, text.encode())
    path = folder / f"{name}.json"
    write_whole(path, (json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode())
    return path
