"""The scalars of a day: what scenario, lenders and calendar say, as the compiled loops of `sim.engine.day` take it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.clock import Day
from sim.core.merchants import PLATFORMS
from sim.engine.day.borrower import LenderTerms, RepayRules
from sim.engine.day.ladder import ACTIONS, CLOSE_SHOP, FIRST, REPEAT, STEP, TONES
from sim.engine.day.loan import FEE, INTEREST, PENALTY, PRINCIPAL
from sim.engine.day.plan import PlanRules
from sim.engine.day.trade import TradeRules
from sim.lenders.collection_terms import Step
from sim.lenders.lender import Lender
from sim.lenders.parameters import LenderSpec
from sim.lenders.product_terms import JointLiability, Warehouse
from sim.world.elsewhere import AWAY, day_steps
from sim.world.parameters import MerchantParameters, OutsideMoney
from sim.world.sales import stage_days
from sim.world.shocks import evenly
from sim.world.spells import MOST_PRONE, rest_of_tonight
from sim.world.wash import wash_steps

_F = np.float32
PLANNING_DAYS = 7  # days ahead for which a merchant keeps back what falls due; assumption
_ALLOCATION = {"penalty": PENALTY, "interest": INTEREST, "principal": PRINCIPAL, "fee": FEE}


def daily_carry(weekly: float) -> float:
    """Autocorrelation one day apart of a shock whose autocorrelation one week apart is given."""
    return float(draws.exp(draws.log(max(weekly, 1e-9)) / 7.0))


def stage_shares(p: MerchantParameters) -> tuple[float, ...]:
    """Share of each stage of shipped orders that moves on a day: the chain holds an order for its mean time."""
    return tuple(min(1.0, 1.0 / days) for days in stage_days(p.trade.confirmation, p.trade.confirmation_cv))


def trade_rules(
    p: MerchantParameters,
    outside: OutsideMoney,
    seed: int,
    day: Day,
    *,
    replays: bool,
    rival: float = 0.0,
    margin: float = 1.0,
) -> TradeRules:
    """Scalars of the day's trade; ``rival`` is the share of sales that shops make on a rival marketplace instead.

    ``margin`` is what shops still have of the margin that they were born with: how buyers answer to advertising is
    told by that one, and stays.
    """
    carry = daily_carry(p.demand.weekly_autocorrelation)
    first, later, *_ = stage_shares(p)
    return TradeRules(
        key_shock=draws.day_key(seed, "sales.shock", day.number),
        key_orders=draws.day_key(seed, "sales.orders", day.number),
        key_value=draws.day_key(seed, "sales.value", day.number),
        carry=_F(carry),
        innovation=_F(math.sqrt(1.0 - carry * carry) * evenly(p.demand)),
        noise=_F(p.demand.daily_noise),
        value_noise=_F(0.0 if replays else p.trade.order_value_noise),
        first_share=first,
        stage_share=later,
        restocked=_F(p.trade.restocked),
        outside_day=outside.rate.ppm_year / 365e6,
        pull=_F(p.advertising.pull * margin),
        saved=_F(p.advertising.short),
        given_up=_F(p.advertising.retreat),
        shifted=_F(p.elsewhere.shifted),
        rival=_F(rival),
        discount=_F(0.0 if replays else p.promotions.discount),  # the value of real orders is what was paid for them
        drawn_away=_F(p.promotions.drawn_away),
        young_cut=_F(0.0 if replays else p.entrants.cut),
        young_until=_F(p.entrants.fades),
        elasticity=_F(p.entrants.elasticity),
        hot_lift=_F(p.spells.hot_lift),
        rest_level=_F(p.spells.rest_level),
        today=day.number,
        replays=replays,
    )


def repay_rules(p: MerchantParameters, seed: int, day: Day) -> RepayRules:
    """Scalars of the day's repayments."""
    will, (first, later, *_) = p.repayment, stage_shares(p)
    return RepayRules(
        key_forget=draws.day_key(seed, "repay.forget", draws.ONCE),
        today=day.number,
        first_share=first,
        stage_share=later,
        restocked=p.trade.restocked,
        shop_days=float(will.shop_value),
        credit_value=will.credit_value,
        sanction=float(will.sanction),
        forget=will.forgets,
        reminded=will.reminded,
        log_keep=float(draws.log(1.0 - 1.0 / will.forgotten_for)) if will.forgotten_for > 1 else 0.0,
        idle_days=float(p.borrowing.idle_buffer),
        repay_ahead=p.borrowing.repay_ahead,
        hardship=will.hardship,
        recovered_unable=will.recovered_unable,
        recovered_unwilling=will.recovered_unwilling,
        horizon=PLANNING_DAYS,
        encouraged=will.encouraged,
        threatened=will.threatened,
        shamed=float(will.shamed),
        close_ties=will.close_ties,
        sued=will.sued,
    )


def plan_rules(
    p: MerchantParameters,
    outside: OutsideMoney,
    seed: int,
    day: Day,
    lowest_ppm: int,
    *,
    is_promoted: bool = False,
    replays: bool = False,
    trust: float = 1.0,
) -> PlanRules:
    """Scalars of the day's plans; ``lowest_ppm`` is the lowest list price a year that any lender offers.

    ``is_promoted`` is whether a promotion is in sight, ``trust`` the factor on how many think of borrowing.
    """
    leave, (away, back) = p.exits, day_steps(p.elsewhere.after, p.elsewhere.back)
    most_faked, chase, quiet = wash_steps(p.washing)
    rest, least, more = rest_of_tonight(p.spells, day.date)
    is_usual = least == 1  # the Spring Festival shuts shops of a size alike
    sigma, youth = (p.spells.rest_sigma, p.spells.youth) if is_usual else (0.0, 0.0)
    hot = p.spells.hot
    if replays:  # real shops have rested already
        rest = youth = hot = 0.0
    return PlanRules(
        key_attention=draws.day_key(seed, "attention", day.number),
        confirmation=_F(p.trade.confirmation),
        reserve_days=_F(p.cash.reserve),
        outside_cap=_F(outside.cap),
        outside_take=_F(outside.take),
        outside_price=_F(outside.rate.ppm_year / 365e6),
        lowest_price=_F(lowest_ppm / 365e6),
        owner_take=_F(p.cash.owner_take),
        smallest=_F(p.borrowing.smallest),
        trust=_F(trust),
        hazard=_F(leave.hazard),
        exponent=_F(leave.orders_exponent),
        youth=_F(leave.youth),
        ruin_days=_F(leave.ruin_days),
        ruin_hazard=_F(leave.ruin_hazard),
        away_honest=_F(round(AWAY * p.elsewhere.honest)),
        away_step=_F(away),
        back_step=_F(back),
        discount=_F(p.promotions.discount),
        drawn_away=_F(p.promotions.drawn_away),
        least_stock=_F(p.promotions.least_stock),
        is_promoted=is_promoted,
        key_prone=draws.day_key(seed, "spell.proneness", draws.ONCE),
        rest=_F(rest),
        rest_sigma=_F(sigma),
        rest_most=_F(rest * (MOST_PRONE if sigma else 1.0) + youth),
        youth_rest=_F(youth),
        youth_days=_F(p.spells.youth_days),
        rest_exponent=_F(p.spells.orders_exponent),
        rest_least=_F(least),
        rest_more=_F(more),
        hot=_F(hot),
        hot_sigma=_F(p.spells.hot_sigma),
        hot_most=_F(hot * (MOST_PRONE if p.spells.hot_sigma else 1.0)),
        hot_more=_F(p.spells.hot_days - 1),
        wash_most=_F(most_faked),
        wash_chase=_F(chase),
        wash_back=_F(quiet),
        today=day.number,
    )


def stock_decay(p: MerchantParameters) -> npt.NDArray[np.float32]:
    """Share of its value that stock loses a day, by category, (n_categories,)."""
    return np.array([min(p.cash.stock_decay * c.decay, 1.0) / 30.0 for c in p.categories.values()], _F)


def lender_terms(lenders: list[Lender], p: MerchantParameters) -> LenderTerms:
    """What repayments need to know of the lenders, as arrays by lender."""
    specs = [lender.spec for lender in lenders]
    ladders = [ladder_of(spec.collection.steps.values(), spec.write_off_after) for spec in specs]
    steps = np.zeros((len(specs), max([len(ladder) for ladder in ladders], default=0)), STEP)
    for row, ladder in zip(steps, ladders, strict=True):
        row[: len(ladder)] = ladder
    groups = [spec.products.joint_liability or JointLiability() for spec in specs]
    warehouses = [spec.products.warehouse or Warehouse() for spec in specs]

    def whole(values: list[Any]) -> npt.NDArray[np.int64]:
        return np.array(values, dtype=np.int64)

    def real(values: list[Any]) -> npt.NDArray[np.float64]:
        return np.array(values, dtype=np.float64)

    return LenderTerms(
        penalty_permille=whole([round(spec.penalty_multiple * 1000) for spec in specs]),
        allocation=whole([[_ALLOCATION[name] for name in spec.allocation] for spec in specs]).reshape(-1, 4),
        compounds=whole([spec.compound_unpaid_interest for spec in specs]),
        by_instalment=whole([spec.allocation_by == "instalment" for spec in specs]),
        late_fee=whole([spec.late_fee for spec in specs]),
        remind_before=whole([max([0, *_days_before(spec)]) for spec in specs]),
        n_steps=whole([len(ladder) for ladder in ladders]),
        steps=steps,
        closes=whole([_closes(ladder) for ladder in ladders]),
        remembers=real([1.0 if spec.collection.identity else 1.0 - p.repayment.evades for spec in specs]),
        ahead=whole([getattr(lender.policies["negotiation"], "ahead", 0) for lender in lenders]),
        observed_for=whole([spec.negotiation.observed_for for spec in specs]),
        non_accrual_after=whole([spec.non_accrual_after for spec in specs]),
        write_off_after=whole([spec.write_off_after for spec in specs]),
        refund_days=whole([spec.interest_refund_days for spec in specs]),
        sell_after=whole([stores.sell_after for stores in warehouses]),
        sale_share=real([1.0 - stores.sale_discount for stores in warehouses]),
        peer_sanction=real([group.peer_sanction for group in groups]),
        holds=whole([group.hold_after < spec.write_off_after for group, spec in zip(groups, specs, strict=True)]),
    )


def _closes(ladder: npt.NDArray[Any]) -> int:
    """Bits of the platforms on which a ladder closes shops; debtors do not know its other conditions."""
    return int(np.bitwise_or.reduce(ladder["platforms"][ladder["action"] == CLOSE_SHOP], initial=0))


def _days_before(spec: LenderSpec) -> list[int]:
    return [step.before for step in spec.collection.steps.values() if step.before is not None]


def ladder_of(ladder: Iterable[Step], write_off_after: int = 9_999) -> npt.NDArray[Any]:
    """The steps past due of a ladder, (k,) of STEP, by the day on which they begin, which is before the write-off."""
    steps = [step for step in ladder if step.after is not None]
    rows = np.zeros(len(steps), STEP)
    for row, step in zip(rows, sorted(steps, key=lambda step: step.after or 0), strict=True):
        row["action"], row["tone"] = ACTIONS.index(step.action), TONES.index(step.tone)
        row["who"] = {"all": FIRST | REPEAT, "first": FIRST, "repeat": REPEAT}[step.borrowers]
        row["platforms"] = sum(1 << PLATFORMS.index(name) for name in step.platforms)
        for name in ("after", "until", "every", "least", "most", "cost"):
            row[name] = getattr(step, name)
        row["after"] = min(row["after"], write_off_after - 1)
        row["score_below"] = step.score_below if step.score_below < 1.0 else np.inf
        row["score_from"] = step.score_from
        row["share"] = step.share or 0.0
    return rows
