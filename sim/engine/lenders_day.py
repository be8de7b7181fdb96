"""The lenders' evening: reviews, then the applications of the day, one lender after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.clock import Day
from sim.core.loanbook import JOINT_LIABILITY, PRODUCTS
from sim.core.merchants import OPEN, SIGNALS, Merchants
from sim.engine import lend, settle
from sim.engine.after.cases import SEEN
from sim.engine.after.people import Asked, send_to_people
from sim.engine.channels import cost_of_views, is_addressed, sees_entry
from sim.engine.comply import comply, report_penalties
from sim.engine.day.flags import ASKS
from sim.engine.funding.sharing import Sharing
from sim.engine.groups import form_groups
from sim.engine.payout import disburse
from sim.engine.signals import cost_of_applications, cost_of_renewals, read_signals
from sim.engine.special_need import raise_for, report_needs
from sim.lenders.lender import FAILED_REVIEW, Decisions, Lender
from sim.world.diversion import take_out

if TYPE_CHECKING:
    from sim.engine.market import Market

REVIEW_TILE = 65_536  # merchants scored at a time, so that a review needs little memory


@dataclass(frozen=True)
class Lent:
    """What one lender did on a day: money in fen, and counts."""

    disbursed: int = 0
    fees: int = 0
    n_loans: int = 0
    customers_new: int = 0
    applications: int = 0
    approvals: int = 0
    accepted: int = 0
    rejected_funds: int = 0
    signal_cost: int = 0
    channel_cost: int = 0
    special_needs: int = 0  # reported
    special_needs_met: int = 0  # for whom the limit was raised


def review(market: Market, lender: Lender, day: Day) -> int:
    """Show the entry to the eligible, and score and limit them anew; returns the sum of all limits, fen."""
    m, index, total = market.merchants, lender.index, 0
    visible, limits, until = (m.lender[name][index] for name in ("is_visible", "limit_fen", "offer_until"))
    refused = m.lender["refused_until"][index]
    context = lender.context(day.date, day.number, lender.cash_fen, explain=False)
    for start in range(0, m.n, REVIEW_TILE):
        tile = slice(start, min(start + REVIEW_TILE, m.n))
        tenure = day.number - m.opened_day[tile]
        seen = lender.is_eligible(tenure, m.platform[tile], m.sales_mean_30d[tile])
        seen &= m.status[tile] == OPEN
        if lender.spec.audience is not None:
            seen &= is_addressed(market, lender, tile)
        if lender.spec.eligibility.invited < 1.0:
            seen &= sees_entry(market, lender, tile, day)
        visible[tile] = seen
        places = start + np.flatnonzero(seen)
        if places.size == 0:
            continue
        rows: Any = tile if places.size == seen.size else places
        columns = _columns(market, lender, rows, day, applies=False)
        limit = lender.review(columns, m.merchant_id[rows], market.seed_number, context)
        limit[refused[rows] > day.number + lend.ASK_AGAIN] = 0  # a sanction, not a refusal that passes
        total += lend.note_limits(places, limit, day.number + lender.spec.offer_validity, limits, until)
    return total


def lend_today(market: Market, day: Day) -> dict[str, Lent]:
    """Wishes, choice of offer, decisions, rationing and disbursement, signals and channels paid for, by lender."""
    lent = _lend(market, day)
    for lender in market.lenders:
        renewed, views = cost_of_renewals(market, lender, day), cost_of_views(market, lender, day)
        if renewed or views:
            done = lent[lender.lender_id]
            lent[lender.lender_id] = replace(done, signal_cost=done.signal_cost + renewed, channel_cost=views)
    return lent


def _lend(market: Market, day: Day) -> dict[str, Lent]:
    m, lenders = market.merchants, market.lenders
    lent = {lender.lender_id: Lent() for lender in lenders}
    shut = {lender.index: market.platform.shut_share(lender.lender_id, day.date) for lender in lenders}
    doors = [lender for lender in lenders if shut[lender.index] < 1.0]
    if not doors or day.index >= len(market.calendar) - market.plan_of_run.calendar.run_off:
        return lent
    most = max(lender.spec.joint_cap for lender in doors)
    wishes = lend.gather_wishes(m, market.rows_with(ASKS), day.number, most)
    if wishes.rows.size == 0 and not (market.cases["kind"] == SEEN).any():
        return lent
    coin = draws.uniform(market.seed_number, "platform.outage", day.number, m.merchant_id[wishes.rows])
    reaches = {index: coin >= share for index, share in shut.items()}
    spoken = market.plan_of_run.merchants.repayment.word_of_mouth
    bothers = {one.index: 1.0 + spoken * (1.0 - market.standing[one.lender_id]["goodwill"]) for one in doors}
    needs = {one.index: report_needs(market, one, wishes.rows, wishes.amount_fen, day) for one in doors}
    met = {index: reports.is_met & reaches[index] for index, reports in needs.items()}
    requests = lend.choose_offers(m, market.book, wishes, doors, reaches, day.number, bothers, met)
    for lender in doors:
        reported = int((needs[lender.index].is_made & reaches[lender.index]).sum())
        asked = send_to_people(market, lender, wishes, requests[lender.index], day)
        if asked.requests.rows.size:
            lent[lender.lender_id] = _serve(market, lender, asked, day)
        if reported:
            n_met = int(met[lender.index].sum())
            lent[lender.lender_id] = replace(
                lent[lender.lender_id], special_needs=reported, special_needs_met=n_met
            )
    return lent


def _serve(market: Market, lender: Lender, asked: Asked, day: Day) -> Lent:
    """One lender's applications of the day: decide, ration, pay out, remember."""
    wishes, requests = asked.wishes, asked.requests
    m, books, seed = market.merchants, market.books, market.seed_number
    rows, name = requests.rows, lender.lender_id
    sharing, freeze = market.sharing.get(name), market.funder.frozen_share(name, day.date)
    undrawn = max(market.counts[name]["limit_total"] - market.serviced_fen(name), 0)
    if sharing is None:
        free = settle.free_to_lend(books, lender, freeze, undrawn)
    else:
        free = sharing.free_to_lend(books, lender, freeze, undrawn)
    columns = _columns(market, lender, rows, day, applies=True)
    line = m.lender["line_fen"][lender.index, rows]
    context = lender.context(day.date, day.number, free)
    ids = m.merchant_id[rows]
    special = raise_for(market, lender, requests, day)
    decided = lender.decide(columns, ids, requests.product, requests.asked_fen, line, seed, context, special)
    if asked.failed.any():
        decided = lend.refuse(decided, asked.failed, FAILED_REVIEW)
    decided = comply(market, lender, requests, decided, day.date)
    amount = _ration(lender, m, requests, decided, free, seed, day.number, sharing)
    served, approved = amount > 0, int((decided.granted_fen > 0).sum())
    decision = lend.note_decisions(lender, m, requests, decided, served, day.number)
    decided = replace(decided, granted_fen=amount)
    takes = lend.is_taken_up(lender, m, wishes, requests, decided)
    group = form_groups(lender, m, rows, requests.product, takes)
    takes &= (group > 0) | (requests.product != JOINT_LIABILITY)
    bought = cost_of_applications(market, lender, rows, takes)
    new = int((m.lender["first_loan_day"][lender.index, rows[takes]] == 0).sum())
    if sharing:
        taken = np.zeros(len(PRODUCTS), np.int64)
        np.add.at(taken, requests.product[takes], decided.granted_fen[takes])
        sharing.fund(books, taken)
    report_penalties(market, lender, requests, decided, takes, day.date)
    settle.draw_for(books, name, int(decided.granted_fen[takes].sum()))
    paid_out, fees = disburse(lender, m, market.book, requests, decided, takes, group, day.date)
    settle.book_disbursement(books, name, paid_out, fees)
    habits = market.plan_of_run.merchants.borrowing
    settle.book_diverted(books, take_out(m, rows[takes], requests.product[takes], amount[takes], habits, seed))
    market.counts[name]["customers"] += new
    market.recorder.applications(
        day.number,
        lender.index,
        lender.reason_names,
        {
            "merchant_id": ids,
            "product": requests.product,
            "asked_fen": requests.asked_fen,
            "granted_fen": amount,
            "limit_fen": decided.limit_fen,
            "rate_ppm_year": decided.rate_ppm_year,
            "score": decided.score,
            "decision": decision,
            "accepted": takes,
            "reasons": decided.reasons,
            "asked_on": asked.asked_on,
            **{f"seen_{column}": values for column, values in columns.items()},
        },
    )
    return Lent(
        disbursed=paid_out,
        fees=fees,
        n_loans=int(takes.sum()),
        customers_new=new,
        signal_cost=bought,
        applications=rows.size,
        approvals=approved,
        accepted=int(takes.sum()),
        rejected_funds=int((decision == lend.SHORT_OF_FUNDS).sum()),
    )


def _ration(
    lender: Lender,
    m: Merchants,
    requests: lend.Requests,
    decided: Decisions,
    free_fen: int,
    seed: int,
    today: int,
    sharing: Sharing | None,
) -> npt.NDArray[np.int64]:
    """Fen that the lender's own money reaches for, (n,), where others put up a part of the loans."""
    granted = decided.granted_fen
    if sharing is None:
        return lend.ration(lender, m, requests, decided, free_fen, seed, today)
    need = sharing.own_need(requests.product, granted)
    if lender.spec.funding.order == "pro_rata":  # all are cut alike, and the need for own money with them
        free_fen = free_fen * int(granted.sum()) // max(int(need.sum()), 1)
        return lend.ration(lender, m, requests, decided, free_fen, seed, today)
    served = lend.ration(lender, m, requests, replace(decided, granted_fen=need), free_fen, seed, today)
    return np.where(served > 0, granted, 0)


def _columns(market: Market, lender: Lender, rows: Any, day: Day, *, applies: bool) -> dict[str, npt.NDArray[Any]]:
    """What the lender sees of the merchants of ``rows``, (n,): of the platform, and what it has bought."""
    plain = [name for name in lender.needs if name not in SIGNALS]
    seen = market.observer.columns(plain, rows, lender.index, lender.spec.bureau, day.index, day.number)
    signals = [name for name in lender.needs if name in SIGNALS]
    if signals:
        places = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
        seen |= read_signals(market, lender, signals, places, day, applies=applies)
    return seen
