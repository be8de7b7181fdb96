"""New terms for borrowers in difficulty: who asks, how long the answer takes, what is offered and accepted.

Those who get no answer, or a refusal, complain, stay away for a time, and tell others; those who get relief are seen by
those who could pay (design rule 13). Facts A.1.3 (004), B.3, C.12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.clock import Day, add_months, date_of, day_number
from sim.core.kernels import kernel
from sim.core.loanbook import ACTIVE, HELD, ORDER_LOAN, SALES_SHARE
from sim.core.schedules import TREATMENTS
from sim.engine.after.cases import ASKS, AT_DESK, NO_CASES, RESTS, Cases, desk_cases, loan_cases, positions_of
from sim.engine.after.new_terms import OFFER, agree
from sim.engine.day.loan import T_CONTACTS, claim_of
from sim.engine.day.plan_of_loan import AT_END, EQUAL_INSTALMENTS
from sim.engine.day.scheduled import due_of, falls_next, interest_to_date
from sim.lenders.desk_terms import KINDS, WorkKind
from sim.lenders.lender import Lender
from sim.world.talks import bearable, chance_to_ask, is_accepted

if TYPE_CHECKING:
    from sim.engine.market import Market

Positions = npt.NDArray[np.int64]
_EXTENSION, _INSTALMENTS, _CHEAPER, _FORGIVEN, _REST, _HOLD = range(1, 7)
STAYS_AWAY = 180  # days for which one who was let down does not ask for a loan; assumption
MEMORY = 0.01  # weight of one more experience in what is said of a lender; assumption


def negotiate(market: Market, day: Day, noticed: Positions) -> None:
    """Talk to the borrowers of every lender that talks; ``noticed`` are loans past due, or soon due, tonight."""
    for lender in market.lenders:
        if lender.spec.negotiation.policy == "none":
            _stop_talking(market, lender)
        else:
            mine = noticed[market.book["lender"][noticed] == lender.index]
            Talks(market, lender, day).go_on(mine)


def _stop_talking(market: Market, lender: Lender) -> None:
    """End the talks of a lender that, by a dated change, talks no more: nobody rests, nobody waits for an answer."""
    own = (market.cases["lender"] == lender.index) & np.isin(market.cases["kind"], (ASKS, RESTS))
    if own.any():
        places = positions_of(market.book, market.cases[own])
        market.book["pressure"][places[places >= 0]] &= np.uint8(255 - HELD)
        market.cases = market.cases[~own]


class Talks:
    """One lender's talks of one evening."""

    def __init__(self, market: Market, lender: Lender, day: Day) -> None:
        self.market, self.lender, self.day = market, lender, day
        self.book, self.m = market.book, market.merchants
        self.terms, self.policy = lender.spec.negotiation, lender.policies["negotiation"]
        self.standing = market.standing[lender.lender_id]
        self.new_cases: list[Cases] = []  # made by what was agreed or refused
        self.will = market.plan_of_run.merchants.repayment

    def go_on(self, noticed: Positions) -> None:
        """End what has ended, hear who asks, answer who has waited, and reach out."""
        own = (self.market.cases["lender"] == self.lender.index) & np.isin(self.market.cases["kind"], (ASKS, RESTS))
        cases, others = self.market.cases[own], self.market.cases[~own]
        cases = self._end_rests(cases)
        cases = self._give_up(cases)
        cases, early = self._hear(cases, noticed)
        cases = self._answer(cases)
        if early.size:
            self.offer(early, np.zeros(early.size, np.int64), is_asked=False)
        self.market.cases = np.concatenate([others, cases, *self.new_cases])

    def _end_rests(self, cases: Cases) -> Cases:
        ends = (cases["kind"] == RESTS) & (cases["until"] <= self.day.number)
        places = positions_of(self.book, cases[ends])
        self.book["pressure"][places[places >= 0]] &= np.uint8(255 - HELD)
        return np.asarray(cases[~ends])

    def _give_up(self, cases: Cases) -> Cases:
        """Those whose loan has ended leave; of those who wait for an answer some lose patience."""
        cases = cases[(positions_of(self.book, cases) >= 0) | (cases["kind"] == RESTS)]
        coin = draws.uniform(self.market.seed_number, "negotiate.wait", self.day.number, cases["loan_id"])
        gone = (cases["kind"] == ASKS) & (coin < self.will.impatience)
        self.give_up(positions_of(self.book, cases[gone]), self.day.number - cases["since"][gone])
        return np.asarray(cases[~gone])

    def give_up(self, places: Positions, waited: Positions) -> None:
        """Those who have waited too long, days, are let down."""
        self._let_down(places)
        self.market.note_action(self.day, "gives_up", places, waited)

    def _hear(self, cases: Cases, noticed: Positions) -> tuple[Cases, Positions]:
        """Who of the late asks tonight, and the loans soon due that the lender looks at by itself."""
        c = self.book.records[noticed]
        free = (c["status"] == ACTIVE) & (c["n_restructured"] < self.terms.most_times)
        free &= (c["product"] != ORDER_LOAN) | (c["pledged"].sum(axis=1) == 0.0)
        talking = np.isin(self.market.cases["kind"], (ASKS, RESTS, AT_DESK + KINDS.index("negotiation")))
        free &= ~np.isin(c["loan_id"], self.market.cases["loan_id"][talking])
        late = c["dpd"]
        plans, planned = self.book.schedules.records, c["schedule"] > 0
        free[planned] &= (plans["n_unpaid"][c["schedule"][planned] - 1] > 0) | (c["unpaid_since"][planned] == 0)
        may_ask = free & (late >= self.terms.least_dpd) & (late <= self.terms.most_dpd) & (c["unpaid_since"] > 0)
        asked, granted = self.standing["asked"], self.standing["granted"]
        lenient = granted / max(asked, 1)
        chance = chance_to_ask(c["cause"], lenient, self.will)
        finds = draws.uniform(self.market.seed_number, "negotiate.ask", draws.ONCE, c["loan_id"])
        may_ask &= finds < getattr(self.policy, "openness", 1.0)  # the same loans all along find somebody to ask
        coin = draws.uniform(self.market.seed_number, "negotiate.ask", self.day.number, c["loan_id"])
        asks = may_ask & (coin < chance)
        new = self._ask(c[asks])
        self.standing["asked"] += int(asks.sum())
        self.market.note_action(self.day, "asks", noticed[asks])
        return np.concatenate([cases, new]), noticed[free & self._is_soon_due(c)]

    def _is_soon_due(self, c: Any) -> npt.NDArray[np.bool_]:
        """Which loans fall due just so many days ahead as the lender looks; none if it does not."""
        ahead, plans = getattr(self.policy, "ahead", 0), self.book.schedules.records
        due = c["due"].astype(np.int64)
        planned = c["schedule"] > 0
        due[planned] = plans["next_due"][c["schedule"][planned] - 1]
        return np.asarray((ahead > 0) & (c["unpaid_since"] == 0) & (due - self.day.number == ahead))

    def _ask(self, c: Any) -> Cases:
        """Cases of those who ask: at the desk, or waiting for an answer that takes its time."""
        if self._has_people("negotiation"):
            self._send(c, "negotiation")
            return NO_CASES
        today = self.day.number
        return loan_cases(c, ASKS, today, today + getattr(self.policy, "response", 0))

    def _has_people(self, work: str) -> bool:
        return self.lender.spec.desk is not None and work in self.lender.spec.desk.work

    def _send(self, c: Any, work: WorkKind) -> None:
        """Give the borrowers of loans to the desk."""
        seed, day, number = self.market.seed_number, self.day.number, KINDS.index(work)
        self.new_cases.append(desk_cases(seed, day, number, self.lender.index, c["row"], c["loan_id"].copy()))

    def _answer(self, cases: Cases) -> Cases:
        ready = (cases["kind"] == ASKS) & (cases["until"] <= self.day.number)
        places = positions_of(self.book, cases[ready])
        waited = self.day.number - cases["since"][ready].astype(np.int64)
        still = places >= 0
        still[still] = self.book["unpaid_since"][places[still]] > 0  # who has paid meanwhile needs no answer
        self.offer(places[still], waited[still], is_asked=True)
        return np.asarray(cases[~ready])

    def offer(self, places: Positions, waited: Positions, *, is_asked: bool) -> None:
        """Offer what the policy says; the borrowers choose; what is accepted holds from tonight."""
        if places.size == 0:
            return
        market, day, c = self.market, self.day, self.book.records[places]
        due = np.zeros(places.size, np.int64)
        plans = self.book.schedules
        _due(self.book.records, plans.records, plans.unpaid, places, due)
        treatment = self._judge(c, due, day)
        is_share = c["product"] == SALES_SHARE
        treatment[is_share & ~np.isin(treatment, (0, _HOLD))] = _EXTENSION  # its price is a fee, whatever the time
        offers = self._terms(places, c, treatment)
        rows = c["row"]
        wallet, margin = self.m.wallet[rows], self.m.margin[rows].astype(np.float64)
        can = bearable(wallet, self.m.sales_mean_30d[rows].astype(np.float64), margin)
        month = np.where(offers["kind"] == EQUAL_INSTALMENTS, c["balance"] / np.maximum(offers["periods"], 1), 0.0)
        month = np.where(treatment == _REST, 0.0, month)
        takes = (treatment > 0) & is_accepted(c["cause"], due.astype(np.float64), month, can)
        if not is_asked:  # nobody changes what it can pay
            takes &= can < due
            told = treatment > 0
            sums = market.room.sums.repay[0, self.lender.index]
            np.add.at(sums[:, T_CONTACTS], c["product"][told], 1)
        rests = takes & (treatment == _HOLD)
        self._rest(places[rests], c[rests])
        changes = takes & ~rests
        self._agree(places[changes], offers[changes])
        for code in np.unique(treatment[takes]).tolist():
            mine = takes & (treatment == code)
            market.note_action(day, TREATMENTS[code], places[mine], waited[mine])
        if is_asked:
            refused = treatment == 0
            self.standing["granted"] += int((treatment > 0).sum())
            self.remember(np.where(treatment > 0, 1.0 / (1.0 + waited / 3.0), 0.0))
            self._let_down(places[refused], is_remembered=True)
            market.note_action(day, "refused", places[refused], waited[refused])
            market.note_action(day, "declines", places[(treatment > 0) & ~takes], waited[(treatment > 0) & ~takes])

    def _judge(self, c: Any, due: Positions, day: Day) -> npt.NDArray[np.int8]:
        rows = c["row"].astype(np.int64)
        lender = self.lender
        columns = self.market.observer.columns(
            self.policy.needs, rows, lender.index, lender.spec.bureau, day.index, day.number
        )
        columns["loan_days"] = day.number - c["opened"].astype(np.int64)
        columns["balance_fen"] = c["balance"].astype(np.int64)
        columns["due_fen"] = due
        ahead = getattr(self.policy, "ahead", 0)
        columns["days_past_due"] = np.where(c["unpaid_since"] > 0, c["dpd"].astype(np.int64), -ahead)
        context = lender.context(day.date, day.number, lender.cash_fen, explain=False)
        ids = c["loan_id"].copy()
        return lender.judge("negotiation", columns, ids, self.market.seed_number, context).copy()

    def _terms(self, places: Positions, c: Any, treatment: npt.NDArray[np.int8]) -> npt.NDArray[Any]:
        """What each treatment means for each loan, (k,) of OFFER; schedules are found only for what is accepted."""
        terms, today = self.terms, self.day.number
        offers = np.zeros(places.size, OFFER)
        offers["position"], offers["treatment"] = places, treatment
        offers["rate"], offers["waives_interest"] = c["rate"], terms.waives_interest
        offers["periods"], offers["start"], offers["kind"] = 1, today, AT_END
        offers["next_due"] = today + terms.extension
        in_parts = np.isin(treatment, (_INSTALMENTS, _CHEAPER, _REST))
        offers["kind"][in_parts], offers["periods"][in_parts] = EQUAL_INSTALMENTS, terms.months
        begins = np.where(treatment == _REST, today + terms.moratorium, today)
        offers["start"] = begins
        for start in np.unique(begins[in_parts]).tolist():
            first = day_number(add_months(date_of(start), 1))
            offers["next_due"][in_parts & (begins == start)] = first
        cheaper = treatment == _CHEAPER
        offers["rate"][cheaper] = np.rint(c["rate"][cheaper] * (1.0 - terms.rate_cut))
        forgiven = treatment == _FORGIVEN
        offers["forgiven"][forgiven] = np.floor(c["balance"][forgiven] * terms.forgiven)
        return offers

    def _agree(self, places: Positions, offers: npt.NDArray[Any]) -> None:
        if places.size == 0:
            return
        plans, own = self.book.schedules, self.book["schedule"][places]
        offers["place"] = own - 1
        new = own == 0
        if new.any():
            offers["place"][new] = plans.add(next_due=offers["next_due"][new])
        _, _, _, records, _ = self.market.room.columns
        agree(self.book.records, plans.records, offers, self.day.number, records, self.market.room.sums.repay[0])

    def _rest(self, places: Positions, c: Any) -> None:
        """Let collection rest: the loan stays as late as it is."""
        self.book["pressure"][places] |= HELD
        today = self.day.number
        self.new_cases.append(loan_cases(c, RESTS, today, today + self.terms.hold))

    def _let_down(self, places: Positions, *, is_remembered: bool = False) -> None:
        """Who gave up or was refused: some complain, and all of these stay away."""
        if places.size == 0:
            return
        if not is_remembered:
            self.remember(np.zeros(places.size))
        ids, rows = self.book["loan_id"][places], self.book["row"][places]
        coin = draws.uniform(self.market.seed_number, "negotiate.wait", self.day.number, ids, 1)
        complains = coin < self.will.complains
        refused = self.m.lender["refused_until"][self.lender.index]
        away = rows[complains]
        refused[away] = np.maximum(refused[away], self.day.number + STAYS_AWAY)
        self.standing["complaints"] += int(complains.sum())
        if self._has_people("complaint"):
            self._send(self.book.records[places[complains]], "complaint")
        self.market.note_action(self.day, "complains", places[complains])

    def remember(self, experiences: npt.NDArray[np.float64]) -> None:
        """Move what is said of the lender with every experience, from 0 (let down) to 1 (helped at once)."""
        for one in experiences.tolist():
            self.standing["goodwill"] += MEMORY * (one - self.standing["goodwill"])


@kernel
def _due(loans: Any, plans: Any, unpaid: Any, places: Any, due: Any) -> None:
    """Write what is due of the loans at ``places`` (k,), or falls due next, fen."""
    for k in range(places.size):
        loan = loans[places[k]]
        if loan.schedule > 0:
            plan, late_ones = plans[loan.schedule - 1], unpaid[loan.schedule - 1]
            due[k] = due_of(loan, plan, late_ones)
            if plan.n_unpaid == 0:
                due[k] = falls_next(loan, plan) + interest_to_date(loan, plan)
        else:
            due[k] = claim_of(loan) if loan.overdue > 0 else loan.balance

