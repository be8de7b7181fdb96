"""What a scenario may write about the regulator: whose rules hold, what changes when, what a breach does."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from sim.core.quantities import DateQ, Id, OfNetCapital, Parameters, RateQ, Share, parameter, refuse
from sim.institutions.dated_rules import RULES, rules_on


class RuleChange(Parameters):
    """Rules that hold from a date on; what is left out stays as it was."""

    date: DateQ = parameter(..., unit="date", source="the scenario", doc="First day on which it holds.")
    rate_ceiling: RateQ | None = parameter(
        None,
        unit="%/year",
        low="0 %/year",
        high="10000 %/year",
        source="the scenario",
        doc="Highest contract rate of terms of at most six months.",
    )
    rate_ceiling_long: RateQ | None = parameter(
        None,
        unit="%/year",
        low="0 %/year",
        high="10000 %/year",
        source="the scenario",
        doc="Highest contract rate of longer terms.",
    )
    rate_floor: RateQ | None = parameter(
        None,
        unit="%/year",
        low="0 %/year",
        high="10000 %/year",
        source="the scenario",
        doc="Lowest contract rate of terms of at most six months; 0 takes it away.",
    )
    rate_floor_long: RateQ | None = parameter(
        None,
        unit="%/year",
        low="0 %/year",
        high="10000 %/year",
        source="the scenario",
        doc="Lowest contract rate of longer terms; 0 takes it away.",
    )
    leverage: OfNetCapital | None = parameter(
        None, unit="of net capital", low=0.0, high=20.0, source="the scenario", doc="Most bank debt."
    )
    securities: OfNetCapital | None = parameter(
        None, unit="of net capital", low=0.0, high=20.0, source="the scenario", doc="Most securities with investors."
    )
    single_borrower: Share | None = parameter(
        None, unit="share", source="the scenario", doc="Most that one borrower may owe, of net capital."
    )


class Regulation(Parameters):
    """Whose rules hold, and what happens to a lender that would break them."""

    rules: Literal["none", "micro_loan_company", "private_lender"] = parameter(
        "none",
        unit="name",
        source="facts C.13, C.14",
        doc="The dated rules of China for this type of lender, or none but those of changes.",
    )
    breach: Literal["refuse", "clip", "stop"] = parameter(
        "clip",
        unit="name",
        source="assumption",
        doc="Refuse the loan, cut price or amount to what is allowed and say so, or stop the run.",
    )
    classes: Literal[
        "small_business_2007", "small_business_2007_guaranteed", "banks_before_2023", "banks_2023"
    ] = parameter(
        "small_business_2007",
        unit="name",
        source="facts C.8; Yin Jian Fa [2007] 63",
        doc="Table by which the report sorts loans into five classes.",
    )
    changes: dict[Id, RuleChange] = parameter(
        {}, unit="mapping", source="the scenario", doc="Changes of the rules, by a name."
    )

    @model_validator(mode="after")
    def _leaves_a_rate(self) -> Regulation:
        changes = self.changes.values()
        turns = {one.date for one in changes} | {since for since, _ in RULES[self.rules]}
        for day in sorted(turns) if changes else ():
            if found := rules_on(day, self.rules, changes).contradiction():
                low, high = (f"{ppm / 10_000:g} %/year" for ppm in found)
                raise refuse(
                    f"from {day} on the floor of {low} is above the ceiling of {high}",
                    "change one of them, or take the floor away with a rate_floor of '0 %/year'",
                )
        return self
