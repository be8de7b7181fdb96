"""What a study file may say, key by key; :mod:`sim.study.plan` checks how it fits together and with the scenario."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from sim.core.quantities import Id, Number, Parameters, Switch, Text, Whole, describe, parameter, refuse
from sim.engine.schema import About

MOST_SEEDS = 100_000

Kind = Literal["compare", "sweep", "sensitivity", "frontier", "calibrate", "optimise"]
DesignKind = Literal["list", "grid", "latin_hypercube", "sobol", "one_at_a_time", "morris", "sobol_indices"]


def _read_seeds(value: object) -> int | tuple[int, ...]:
    """How many worlds, or their seeds, each once."""
    given = value if isinstance(value, list | tuple) else [value]
    if any(isinstance(one, bool) or not isinstance(one, int) for one in given) or not given:
        raise refuse(f"{describe(value)} is no number of worlds", "a whole number, or a list of seeds")
    if isinstance(value, int):
        if not 1 <= value <= MOST_SEEDS:
            raise refuse(f"{value} is out of bounds", f"allowed: 1 to {MOST_SEEDS:,} worlds")
        return value
    if min(given) < 0:
        raise refuse(f"{min(given)} is no seed", "seeds are 0 or more")
    twice = next((one for one in given if given.count(one) > 1), None)
    if twice is not None:
        raise refuse(f"seed {twice} is given twice", "every world counts once")
    return tuple(given)


def _read_end(value: object) -> object:
    """An end of a range: a number, or a number with its unit as a scenario writes it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise refuse(f"{describe(value)} is no end of a range", "a number, with its unit if it has one: 0.03 %/day")
    if isinstance(value, float) and not math.isfinite(value):
        raise refuse(f"{describe(value)} is no end of a range", "a finite number")
    return value


Seeds = Annotated[Any, BeforeValidator(_read_seeds)]
End = Annotated[Any, BeforeValidator(_read_end)]


class FactorSpec(Parameters):
    """One key of the scenario that the study varies: by its values, or within a range."""

    key: Text = parameter(..., unit="dotted path", source="the author", doc="The key of the scenario that varies.")
    also: list[Text] = parameter([], unit="dotted paths", source="the author", doc="Keys that get the same value.")
    values: list[Any] = parameter([], unit="as the key", source="the author", doc="Values, as a scenario writes them.")
    low: End | None = parameter(None, unit="as the key", source="the author", doc="Least value of a range.")
    high: End | None = parameter(None, unit="as the key", source="the author", doc="Greatest value of a range.")
    whole: Switch = parameter(False, unit="yes/no", source="the author", doc="Only whole numbers of the range.")
    log: Switch = parameter(False, unit="yes/no", source="the author", doc="Spread the range evenly in logarithms.")


class DesignSpec(Parameters):
    """Which points of the factors' space are run."""

    kind: DesignKind = parameter("grid", unit="name", source="the author", doc="How points are chosen.")
    points: Whole | None = parameter(
        None,
        unit="count",
        low=1,
        source="the author",
        doc="Points of latin_hypercube and sobol; base samples of sobol_indices.",
    )
    trajectories: Whole = parameter(
        10, unit="count", low=2, high=1000, source="Campolongo et al. 2007", doc="Trajectories of morris."
    )
    rows: list[dict[str, Any]] = parameter([], unit="list", source="the author", doc="Points of a list, factor: value.")


class Arm(Parameters):
    """One strategy of a comparison: a scenario of its own, or values laid over the study's."""

    scenario: Text | None = parameter(None, unit="path", source="the author", doc="Its scenario, if not the study's.")
    set: dict[str, Any] = parameter({}, unit="mapping", source="the author", doc="Values by dotted key.")


class StudyFile(Parameters):
    """Many runs with one question."""

    about: About = parameter(About(), unit="text", source="the author", doc="What the study is for.")
    kind: Kind = parameter(..., unit="name", source="the author", doc="What is done with the runs.")
    scenario: Text = parameter(..., unit="path", source="the author", doc="The scenario, relative to the study file.")
    set: dict[str, Any] = parameter(
        {}, unit="mapping", source="the author", doc="Values over the scenario, by dotted key."
    )
    scale: Number | None = parameter(
        None, unit="factor", low=1e-6, source="the author", doc="Factor on merchants and money."
    )
    arms: dict[Id, Arm] = parameter(
        {}, unit="mapping", source="the author", doc="Strategies to compare, the base first."
    )
    world: dict[Id, FactorSpec] = parameter(
        {}, unit="mapping", source="the author", doc="What nobody chooses: uncertainties."
    )
    levers: dict[Id, FactorSpec] = parameter({}, unit="mapping", source="the author", doc="What a lender chooses.")
    design: DesignSpec = parameter(DesignSpec(), unit="mapping", source="the author", doc="Which points are run.")
    seeds: Seeds = parameter(20, unit="count or list", source="design section 1", doc="Worlds of every point.")
    first_seed: Whole = parameter(1, unit="seed", low=0, source="the author", doc="Seed of the first world of a count.")
    lender: Id | None = parameter(
        None, unit="name", source="the author", doc="Whose measures, if not the first lender's."
    )
    measures: list[Text] = parameter(
        [], unit="names", source="the author", doc="Measures to tell of; see the reference."
    )
    best: Text | None = parameter(
        None, unit="text", source="the author", doc="A measure to choose the best of several by: max disbursed."
    )
    until: Text | None = parameter(
        None, unit="text", source="the author", doc="Go on with new worlds until this is known: npl90 ± 0.1 pp."
    )
    budget: Whole | None = parameter(None, unit="count", low=2, source="the author", doc="Most worlds of `until`.")
    objectives: list[Text] = parameter([], unit="names", source="the author", doc="max MEASURE or min MEASURE, each.")
    constraints: list[Text] = parameter([], unit="text", source="the author", doc="MEASURE <= VALUE or >= VALUE, each.")
    targets: Text | None = parameter(None, unit="path", source="the author", doc="File of targets to calibrate to.")
    trials: Whole = parameter(
        100, unit="count", low=1, high=100_000, source="the author", doc="Points that a search tries."
    )
    out: Text | None = parameter(
        None, unit="path", source="the author", doc="Folder of the results, relative to the study file."
    )
    fresh: Whole = parameter(
        10, unit="count", low=2, source="the author", doc="New worlds that judge what a search found."
    )
