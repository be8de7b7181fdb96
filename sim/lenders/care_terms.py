"""What a lender does while a loan runs: monitoring, and negotiation with borrowers in difficulty."""

from __future__ import annotations

from sim.core.quantities import Days, Number, Share, Switch, Text, Whole, parameter
from sim.lenders.policy_spec import PolicySpec


class Monitoring(PolicySpec):
    """What is watched after a loan is paid out, and what is done about what is seen."""

    policy: Text = parameter("none", unit="name", source="assumption", doc="Monitoring policy.")
    every: Days = parameter(
        "7 days", unit="days", low="1 day", high="365 days", source="assumption", doc="Time between two looks."
    )
    limit_cut: Share = parameter(
        0.5, unit="share", source="assumption", doc="Share of the limit that is taken away from one warned of."
    )
    limit_cut_for: Days = parameter(
        "90 days", unit="days", low="0 days", high="3650 days", source="assumption", doc="How long the cut holds."
    )
    no_credit_for: Days = parameter(
        "30 days", unit="days", low="0 days", high="3650 days", source="assumption", doc="No new loan for so long then."
    )
    notice: Days = parameter(
        "7 days", unit="days", low="0 days", high="90 days", source="assumption", doc="Time to pay a called loan."
    )
    misuse_multiple: Number = parameter(
        1.5, unit="1", low=1.0, high=2.5, source="facts C.3", doc="Rate on misused money."
    )
    wash_no_credit_for: Days = parameter(
        "180 days", unit="days", low="0 days", high="3650 days", source="assumption", doc="No loan for wash traders."
    )
    wash_score_loss: Share = parameter(
        0.3, unit="share", source="assumption", doc="Share of its score that a shop found faking sales loses."
    )
    wash_rating_loss: Share = parameter(
        0.2,
        unit="share",
        source="assumption; that some are visibly penalised: facts B.4, V56",
        doc="Share of its shown rating that a shop found faking sales loses.",
    )


class Negotiation(PolicySpec):
    """What is offered to borrowers in difficulty, and how."""

    policy: Text = parameter("none", unit="name", source="facts A.1.3, 004", doc="Negotiation policy.")
    least_dpd: Whole = parameter(
        1, unit="days past due", low=1, high=360, source="assumption", doc="From when on a borrower may ask."
    )
    most_dpd: Whole = parameter(
        90, unit="days past due", low=1, high=3650, source="assumption", doc="Until when it may ask."
    )
    most_times: Whole = parameter(
        1, unit="times", low=1, high=10, source="assumption", doc="How often the terms of one loan may change."
    )
    months: Whole = parameter(
        6, unit="months", low=1, high=60, source="assumption", doc="Instalments of a loan that is re-amortised."
    )
    extension: Days = parameter(
        "60 days", unit="days", low="1 day", high="365 days", source="assumption", doc="How long a due date is put off."
    )
    moratorium: Days = parameter(
        "90 days",
        unit="days",
        low="1 day",
        high="365 days",
        source="assumption",
        doc="How long nothing is due; no interest is charged meanwhile on what had accrued.",
    )
    hold: Days = parameter(
        "30 days", unit="days", low="1 day", high="365 days", source="assumption", doc="How long collection rests."
    )
    rate_cut: Share = parameter(0.5, unit="share", source="assumption", doc="Share of its rate that a loan loses.")
    forgiven: Share = parameter(
        0.3, unit="share", source="assumption", doc="Share of the principal that is forgiven if the rest is paid so."
    )
    waives_interest: Switch = parameter(
        False, unit="true or false", source="facts C.15", doc="Whether interest owed is given up with new terms."
    )
    observed_for: Days = parameter(
        "360 days",
        unit="days",
        low="0 days",
        high="3650 days",
        source="facts C.8: a year",
        doc="How long a loan with new terms stays in the bucket it had.",
    )
