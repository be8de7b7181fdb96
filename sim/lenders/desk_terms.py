"""What a scenario may write about the people of a lender: teams with their shifts and skills, work, a bot in front."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import field_validator

from sim.core.clock import Day, working_day
from sim.core.quantities import Id, Money, Number, Parameters, Share, Whole, parameter
from sim.lenders.authoring import Problem
from sim.lenders.funding_terms import each_once

WorkKind = Literal["review", "site_visit", "call", "negotiation", "complaint"]
"""The kinds of work that people do."""

KINDS: tuple[WorkKind, ...] = ("review", "site_visit", "call", "negotiation", "complaint")
"""All kinds of work; a kind's place is its number in a table of cases."""

MINUTES_A_DAY = 1440.0
_SATURDAY = 5


@dataclass(frozen=True)
class Shift:
    """One team on one day, in minutes since midnight.

    Parameters
    ----------
    staff
        People at work, 0 on a day off.
    begins, ends
        First and last minute of the shift.
    latest
        Minute from which nobody begins another case: ``ends``, or later with overtime.
    skills
        Numbers of the kinds of work they can do, see ``KINDS``.
    cost_per_hour
        Whole fen an hour and person.
    overtime_multiple
        What an hour beyond the shift costs, in hours of the shift.
    """

    staff: int
    begins: float
    ends: float
    latest: float
    skills: tuple[int, ...]
    cost_per_hour: int = 0
    overtime_multiple: float = 1.0

    @property
    def is_round_the_clock(self) -> bool:
        """Whether the next shift follows at once, so that work past midnight is no overtime."""
        return self.begins == 0.0 and self.ends == MINUTES_A_DAY


class Team(Parameters):
    """People with the same shift and the same skills."""

    staff: Whole = parameter(
        1, unit="people", low=0, high=100_000, source="assumption", doc="People at work on its days; not scaled."
    )
    begins: Number = parameter(
        9.0, unit="hour of the day", low=0.0, high=24.0, source="assumption", doc="Beginning of the shift."
    )
    ends: Number = parameter(
        18.0, unit="hour of the day", low=0.0, high=24.0, source="assumption", doc="End of the shift."
    )
    works_on: Literal["working_days", "every_day"] = parameter(
        "working_days",
        unit="name",
        source="facts A.1.1: B2B latency is told in working days",
        doc="Monday to Friday without public holidays, or every day.",
    )
    skills: tuple[WorkKind, ...] = parameter(
        KINDS, unit="names", source="assumption", doc="Kinds of work that its people can do."
    )
    cost_per_hour: Money = parameter(
        "50 yuan",
        unit="yuan/hour",
        low="0 yuan",
        high="10000 yuan",
        source="assumption; facts E: operating cost is not known",
        doc="Cost of one person and hour of the shift, busy or not.",
    )
    overtime: Number = parameter(
        0.0,
        unit="hours",
        low=0.0,
        high=24.0,
        source="assumption",
        doc="Most hours beyond the shift in which another case is begun while cases wait.",
    )
    overtime_multiple: Number = parameter(
        1.5, unit="1", low=0.0, high=10.0, source="assumption", doc="Cost of an hour beyond the shift over one in it."
    )

    @field_validator("skills")
    @classmethod
    def _each_once(cls, skills: tuple[str, ...]) -> tuple[str, ...]:
        return each_once(skills)

    def is_at_work(self, day: Day) -> bool:
        """Say whether the team works on a day."""
        if self.works_on == "every_day":
            return True
        return day.weekday < _SATURDAY and working_day(day.date) == day.date

    def shift(self, day: Day) -> Shift:
        """Give the team's shift of a day, with no staff on a day off."""
        return Shift(
            staff=self.staff if self.is_at_work(day) else 0,
            begins=self.begins * 60.0,
            ends=self.ends * 60.0,
            latest=min((self.ends + self.overtime) * 60.0, MINUTES_A_DAY),
            skills=tuple(KINDS.index(kind) for kind in self.skills),
            cost_per_hour=self.cost_per_hour,
            overtime_multiple=self.overtime_multiple,
        )

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the team, each field as it is named inside the team's block."""
        if self.ends <= self.begins:
            yield Problem(
                "ends", f"{self.ends:g} is not after its beginning at {self.begins:g}", "allowed: a later hour"
            )
        if self.ends + self.overtime > 24.0:
            said = f"{self.overtime:g} hours after {self.ends:g} lie beyond midnight"
            yield Problem("overtime", said, f"allowed: 0 to {24.0 - self.ends:g}")
        if not self.skills:
            yield Problem("skills", "name nothing, so that the team can do no work", f"allowed: {', '.join(KINDS)}")


class Work(Parameters):
    """How long one kind of work takes, how long it can wait, and how urgent it is."""

    minutes: Number = parameter(
        15.0, unit="minutes", low=0.01, high=1440.0, source="assumption", doc="Mean time that one case takes a person."
    )
    spread: Number = parameter(
        1.0,
        unit="1",
        low=0.0,
        high=5.0,
        source="assumption; that call times are lognormal: Brown et al., JASA 2005",
        doc="Standard deviation over mean of that time: 0 constant, 1 exponential, otherwise lognormal.",
    )
    patience: Number = parameter(
        0.0,
        unit="minutes",
        low=0.0,
        high=1_000_000.0,
        source="assumption",
        doc="Mean time after which a waiting case is given up, exponential, nights included; 0 means never.",
    )
    priority: Whole = parameter(
        1, unit="rank", low=0, high=100, source="assumption", doc="Who is served first: a lower number before a higher."
    )


class Bot(Parameters):
    """A program that answers first, at any hour and at once."""

    kinds: tuple[WorkKind, ...] = parameter(
        (),
        unit="names",
        source="facts A.1.3: an intelligent service; which work is an assumption",
        doc="What it answers.",
    )
    settles: Share = parameter(
        0.3, unit="share", source="assumption", doc="Share of the cases it answers that need nobody else."
    )
    cost: Money = parameter(
        "0.1 yuan", unit="yuan", low="0 yuan", high="10000 yuan", source="assumption", doc="Cost of a case it answers."
    )

    @field_validator("kinds")
    @classmethod
    def _each_once(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        return each_once(kinds)


class Desk(Parameters):
    """The people of a lender. Hiring is a dated change of a team's staff."""

    mode: Literal["queue", "capacity"] = parameter(
        "queue",
        unit="name",
        source="design section 2",
        doc="Every case in a queue of its own day, or the fast rule on the minutes that the teams have.",
    )
    teams: dict[Id, Team] = parameter({}, unit="mapping", source="the scenario", doc="Teams, by a name.")
    work: dict[WorkKind, Work] = parameter(
        {}, unit="mapping", source="the scenario", doc="The kinds of work the desk does."
    )
    bot: Bot = Bot()

    def shifts(self, day: Day) -> tuple[Shift, ...]:
        """Give every team's shift of a day, in the order of ``teams``; a team that is off has no staff."""
        return tuple(team.shift(day) for team in self.teams.values())

    def problems(self, asked: Collection[WorkKind] = ()) -> list[Problem]:
        """List what is wrong with the desk as a whole.

        Parameters
        ----------
        asked
            Kinds of work that the lender's policies give to people.

        Returns
        -------
        list of Problem
            A kind that is asked for and not there, one that nobody can do, a bot that answers what is not there, and
            shifts and skills that make no sense; fields are paths inside the desk's block.
        """
        found = [
            one._replace(field=f"teams.{name}.{one.field}")
            for name, team in self.teams.items()
            for one in team.problems()
        ]
        here = ", ".join(self.work) or "none"
        for kind in KINDS:
            if kind in asked and kind not in self.work:
                found.append(Problem(f"work.{kind}", "is asked for and not described", f"described: {here}"))
            if kind in self.bot.kinds and kind not in self.work:
                found.append(Problem("bot.kinds", f"{kind} is no work of this desk", f"described: {here}"))
            if kind in self.work and not self._can_do(kind):
                found.append(Problem(f"work.{kind}", "is work that no team with staff has the skill for", "", _HIRE))
        return found

    def _can_do(self, kind: WorkKind) -> bool:
        if kind in self.bot.kinds and self.bot.settles == 1.0:
            return True
        return any(team.staff > 0 and kind in team.skills for team in self.teams.values())


_HIRE = "give a team staff and the skill"
