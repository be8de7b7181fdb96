"""What a scenario may write about one lender: its money, products, policies, costs and dated changes.

Every leaf has a unit, bounds, a default and a source; ``facts`` sections are named as in the project's fact sheet.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any, Literal

from pydantic import field_validator

from sim.core.money import round_half_up
from sim.core.quantities import (
    DateQ,
    DayCount,
    Days,
    Id,
    Money,
    Number,
    Parameters,
    Share,
    Switch,
    Text,
    describe,
    parameter,
    refuse,
)
from sim.lenders.care_terms import Monitoring, Negotiation
from sim.lenders.channel_terms import Audience, Channel
from sim.lenders.collection_terms import Collection
from sim.lenders.desk_terms import Desk
from sim.lenders.funding_terms import BankDebt, Funding, Insurance, JointLending, ProductId, Securitisation
from sim.lenders.policy_spec import PolicySpec
from sim.lenders.product_terms import JOINT_CAP, MOST_OWED, Products
from sim.lenders.signal_terms import Signal, SignalId
from sim.lenders.special_need import SpecialNeed


class Eligibility(Parameters):
    """Who may ask for a loan at all."""

    min_tenure: Days = parameter(
        "180 days",
        unit="days",
        low="0 days",
        high="3650 days",
        source="facts A.1.2: registered for 6 months",
        doc="Least time since the shop opened.",
    )
    min_monthly_sales: Money = parameter(
        "1000 yuan",
        unit="yuan/month",
        low="0 yuan",
        high="100 m yuan",
        source="assumption",
        doc="Least sales of 30 days at the mean of the last 30.",
    )
    platforms: tuple[Literal["taobao", "tmall", "b2b"], ...] = parameter(
        ("taobao", "tmall", "b2b"), unit="names", source="facts A.1.2", doc="Platforms whose merchants may ask."
    )
    invited: Share = parameter(
        1.0,
        unit="share",
        source="facts A.1.2: the entry is shown only to sellers over the bar",
        doc="Share of merchants that are shown the entry, drawn once per merchant.",
    )
    channels: dict[Id, Channel] = parameter(
        {}, unit="mapping", source="facts A.1.8", doc="What else brings merchants to the entry, by a name."
    )


class Review(Parameters):
    """How often scores and limits are worked out anew."""

    every: Days = parameter(
        "7 days", unit="days", low="1 day", high="365 days", source="assumption", doc="Time between two reviews."
    )


class Scoring(PolicySpec):
    """How likely an applicant is to stay good, and how likely it must be."""

    policy: Text = parameter("points", unit="name", source="design section 3", doc="Scoring policy.")
    cutoff: Share = parameter(
        0.6, unit="probability of staying good", source="assumption", doc="Applicants at or above it are good enough."
    )


class Limit(PolicySpec):
    """How much an applicant may owe."""

    policy: Text = parameter("sales_multiple", unit="name", source="design section 3", doc="Limit policy.")


class Pricing(PolicySpec):
    """What a loan costs."""

    policy: Text = parameter("flat", unit="name", source="facts A.1.1: one list price", doc="Pricing policy.")


class Approval(PolicySpec):
    """Who decides: a machine, or for some applications people, after an interview (facts A.1.1, A.1.2)."""

    policy: Text = parameter("automatic", unit="name", source="facts A.1.1: a second to decide", doc="Approval policy.")
    people_for: tuple[Literal["taobao", "tmall", "b2b"], ...] = parameter(
        ("b2b",), unit="names", source="facts A.1.2", doc="Platforms whose applications people look at; with desk."
    )
    people_from: Money = parameter(
        "100 m yuan", unit="yuan", low="0 yuan", high="100 m yuan", source="assumption", doc="Or from this amount on."
    )
    papers: Days = parameter(
        "1 day", unit="days", low="0 days", high="30 days", source="facts A.1.2", doc="Until the papers are complete."
    )
    visit_from: Money = parameter(
        "300,000 yuan", unit="yuan", low="0 yuan", high="100 m yuan", source="facts A.1.2", doc="From it on visited."
    )


class Costs(Parameters):
    """What running the lender costs; unknown for 2012 (facts E), so a free parameter."""

    per_application: Money = parameter(
        "0.1 yuan", unit="yuan", low="0 yuan", high="10000 yuan", source="assumption", doc="Cost of one decision."
    )
    per_loan: Money = parameter(
        "2 yuan",
        unit="yuan",
        low="0 yuan",
        high="10000 yuan",
        source="facts A.3 item 13: order loans only pay at a few yuan each",
        doc="Cost of opening and servicing one loan.",
    )
    per_contact: Money = parameter(
        "2 yuan", unit="yuan", low="0 yuan", high="10000 yuan", source="assumption", doc="Cost of one call or message."
    )
    fixed_per_day: Money = parameter(
        "0 yuan", unit="yuan/day", low="0 yuan", high="1 bn yuan", source="assumption", doc="Cost that is always there."
    )


class Provisions(Parameters):
    """Allowance for losses as a share of principal, by days past due."""

    current: Share = parameter(0.01, unit="share", source="facts C.8: general provision 1 %", doc="Not late.")
    dpd_1_30: Share = parameter(0.02, unit="share", source="facts C.8: special mention 2 %", doc="1 to 30 days late.")
    dpd_31_60: Share = parameter(0.25, unit="share", source="facts C.8: substandard 25 %", doc="31 to 60 days late.")
    dpd_61_90: Share = parameter(0.5, unit="share", source="facts C.8: doubtful 50 %", doc="61 to 89 days late.")
    dpd_90_plus: Share = parameter(1.0, unit="share", source="facts C.8: loss 100 %", doc="90 days late or more.")


class Change(Parameters):
    """A change of the lender's own parameters on a date (design rule 17)."""

    date: DateQ = parameter(..., unit="date", source="the scenario", doc="First day on which the new values hold.")
    set: dict[str, Any] = parameter(
        ...,
        unit="mapping",
        source="the scenario",
        doc="Dotted path inside this lender: value; null for the default.",
    )


class LenderSpec(Parameters):
    """One lender."""

    equity: Money = parameter(
        ..., unit="yuan", low="1 yuan", high="100 bn yuan", source="the scenario", doc="Own money at the start."
    )
    bank_debt: BankDebt = BankDebt()
    joint_lending: JointLending | None = None
    securitisation: Securitisation | None = None
    insurance: dict[ProductId, Insurance] = parameter(
        {}, unit="mapping", source="facts A.1.7", doc="Credit insurance, by the product that it covers."
    )
    audience: Audience | None = None
    eligibility: Eligibility = Eligibility()
    review: Review = Review()
    offer_validity: Days = parameter(
        "30 days", unit="days", low="1 day", high="365 days", source="facts A.1.1", doc="Time until an offer lapses."
    )
    joint_cap: Money = parameter(
        JOINT_CAP,
        unit="yuan",
        low="1 yuan",
        high=MOST_OWED,
        source="facts A.1.1",
        doc="Most one borrower may owe.",
    )
    products: Products = Products()
    scoring: Scoring = Scoring()
    limit: Limit = Limit()
    special_need: SpecialNeed | None = None
    signals: dict[SignalId, Signal] = parameter(
        {}, unit="mapping", source="facts A.1.7, A.1.8", doc="What is bought about merchants, by the signal."
    )
    pricing: Pricing = Pricing()
    approval: Approval = Approval()
    funding: Funding = Funding()
    monitoring: Monitoring = Monitoring()
    collection: Collection = Collection()
    negotiation: Negotiation = Negotiation()
    allocation: tuple[Literal["fee", "penalty", "interest", "principal"], ...] = parameter(
        ("fee", "penalty", "interest", "principal"), unit="names", source="facts C.4", doc="What a payment pays first."
    )
    allocation_by: Literal["instalment", "bucket"] = parameter(
        "instalment", unit="name", source="facts C.4", doc="Oldest instalment first, or a bucket of all of them first."
    )
    penalty_multiple: Number = parameter(
        1.5, unit="1", low=0.0, high=10.0, source="facts A.1.3", doc="Overdue rate over the loan's own rate."
    )
    late_fee: Money = parameter(
        "0 yuan", unit="yuan", low="0 yuan", high="10000 yuan", source="assumption", doc="Fee for a due date missed."
    )
    compound_unpaid_interest: Switch = parameter(
        False, unit="true or false", source="facts C.3", doc="Whether overdue interest bears the penalty rate too."
    )
    holidays: Literal["none", "next_day"] = parameter(
        "none", unit="name", source="assumption", doc="What a due date on a public holiday does: stay, or move on."
    )
    interest_refund_days: DayCount = parameter(
        0,
        unit="days",
        low=0,
        high=30,
        source="facts A.1.1: 3 days for first-time borrowers from January 2013",
        doc="A first loan repaid within these days costs no interest.",
    )
    write_off_after: Days = parameter(
        "360 days",
        unit="days past due",
        low="30 days",
        high="3650 days",
        source="facts C.8",
        doc="Time to loss.",
    )
    non_accrual_after: Days = parameter(
        "90 days",
        unit="days past due",
        low="1 day",
        high="3650 days",
        source="design rule 7",
        doc="End of accrual.",
    )
    desk: Desk | None = None
    costs: Costs = Costs()
    provisions: Provisions = Provisions()
    bureau: Literal["none", "negative", "full"] = parameter(
        "none", unit="name", source="assumption", doc="What the lender learns of loans at other lenders."
    )
    changes: dict[Id, Change] = parameter({}, unit="mapping", source="the scenario", doc="Dated changes, by a name.")

    @field_validator("allocation")
    @classmethod
    def _each_bucket_once(cls, order: tuple[str, ...]) -> tuple[str, ...]:
        order = order if "fee" in order else ("fee", *order)
        if sorted(order) != ["fee", "interest", "penalty", "principal"]:
            allowed = "fee, penalty, interest and principal"
            raise refuse(f"{describe(list(order))} does not name each bucket once", allowed)
        return order

    def applying(self, settings: Mapping[str, Any]) -> LenderSpec:
        """Return this lender with new values; ``settings`` maps dotted paths to values as a file writes them.

        Raises
        ------
        pydantic.ValidationError
            If a path does not exist or a value is not allowed.
        """
        return LenderSpec.model_validate(put(self.model_dump(mode="json"), settings))

    def scaled(self, scale: float) -> LenderSpec:
        """Return this lender for a market of another size: its money stocks, never a per-loan value or a ratio."""
        factor = Fraction(str(scale))
        fixed = _times(self.costs.fixed_per_day, factor)
        costs = self.costs.model_copy(update={"fixed_per_day": fixed})
        scaled: dict[str, Any] = {"equity": _times(self.equity, factor), "costs": costs}
        if self.securitisation is not None:
            size = max(_times(self.securitisation.size, factor), 1)
            scaled["securitisation"] = self.securitisation.model_copy(update={"size": size})
        return self.model_copy(update=scaled)

    def versions(self, scale: float = 1.0) -> tuple[tuple[date | None, LenderSpec], ...]:
        """List what this lender is from when on: (None, at the start), then one (date, lender) for each change."""
        now = self
        found: list[tuple[date | None, LenderSpec]] = [(None, now.scaled(scale))]
        for change in sorted(self.changes.values(), key=lambda change: change.date):
            now = now.applying(change.set)
            found.append((change.date, now.scaled(scale)))
        return tuple(found)


def put(data: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of nested ``data`` with each dotted path of ``settings`` set; mappings merge, None removes."""
    result = dict(data)
    for path, value in settings.items():
        head, _, rest = path.partition(".")
        inner = {rest: value} if rest else value
        old = result.get(head)
        if inner is None:
            result.pop(head, None)
        elif isinstance(inner, dict) and inner:
            result[head] = put(old if isinstance(old, dict) else {}, inner)
        else:
            result[head] = inner
    return result


def _times(fen: int, factor: Fraction) -> int:
    share = fen * factor
    return round_half_up(share.numerator, share.denominator)
