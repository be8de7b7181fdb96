"""What a study found: rows for machines, sentences for people, pictures; the same form for every kind of study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.study.runner import Outcome
from sim.study.stats import Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """A picture with what it shows in words, for those who cannot see it."""

    figure: Figure
    says: str


@dataclass(frozen=True)
class Sheet:
    """A table for people: heads, and lines of text cells; ``numbers`` are the columns that stand to the right."""

    heads: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Findings:
    """What came out of a study.

    Attributes
    ----------
    rows
        One plain mapping a finding; an undefined number is None.
    sentences
        The answer in words, the most important first.
    pictures
        By name, which is the name of its file.
    more
        Whatever else belongs into the JSON object, by name.
    files
        Texts to be written beside the page, by name of the file.
    sheet
        The findings as a table for people; None has the rows shown as they are.
    """

    rows: Sequence[Mapping[str, Any]]
    sentences: tuple[str, ...]
    pictures: Mapping[str, Picture] = field(default_factory=dict, compare=False)
    more: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    sheet: Sheet | None = None


@dataclass(frozen=True)
class Measured:
    """The outcomes of a design: points (or arms) in their order, each in every world.

    Attributes
    ----------
    points
        Names, in the order of the design.
    seeds
        The worlds.
    outcomes
        By point and seed.
    lender
        Whose measures; the first lender's of each scenario if None.
    """

    points: tuple[str, ...]
    seeds: tuple[int, ...]
    outcomes: Mapping[tuple[str, int], Outcome]
    lender: str | None = None

    def measures(self, point: str, seed: int) -> Mapping[str, Value]:
        """All measures of one run; empty for one that failed or has no such lender."""
        outcome = self.outcomes[point, seed]
        if self.lender is None:
            return outcome.summary or {}
        return outcome.summaries.get(self.lender, {})

    def column(self, point: str, measure: str) -> list[Value]:
        """A measure of a point, world after world; None where it is undefined."""
        return [self.measures(point, seed).get(measure) for seed in self.seeds]

    def array(self, measure: str) -> npt.NDArray[np.float64]:
        """A measure as (n_points, n_worlds); nan where it is undefined."""
        values = [[np.nan if v is None else float(v) for v in self.column(point, measure)] for point in self.points]
        return np.array(values, np.float64).reshape(len(self.points), len(self.seeds))

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The runs that failed."""
        return tuple(outcome for outcome in self.outcomes.values() if outcome.has_failed)
