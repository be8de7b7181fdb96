"""New terms for borrowers in difficulty: who asks, how long the answer takes, what is offered and accepted.

Those who find nobody to ask, wait in vain or are refused complain, stay away for a time, and tell others; those who get
relief are seen by those who could pay (design rule 13). Facts A.1.3 (004), B.3, C.12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.clock import Day
from sim.core.loanbook import HELD
from sim.core.schedules import TREATMENTS
from sim.engine.after.cases import (
    ASKS,
    AT_DESK,
    LET_DOWN,
    NO_CASES,
    RESTS,
    SETTLES,
    Cases,
    desk_cases,
    joined,
    loan_cases,
    positions_of,
)
from sim.engine.after.draft import FORGIVEN, HOLD, draft, terms_of
from sim.engine.after.hearing import IN_VAIN, SOON_DUE, TO_ASK, find_due, listen
from sim.engine.after.new_terms import OFFER, agree, forgive_rest
from sim.lenders.desk_terms import KINDS, WorkKind
from sim.lenders.lender import Lender
from sim.world.birth import NEVER
from sim.world.talks import chances_to_ask

if TYPE_CHECKING:
    from sim.engine.market import Market

Positions = npt.NDArray[np.int64]
STAYS_AWAY = 180  # days for which one who was let down does not ask for a loan; assumption
MEMORY = 0.01  # weight of one more experience in what is said of a lender; assumption
_AT_NEGOTIATION = AT_DESK + KINDS.index("negotiation")
_IS_TALK = np.isin(np.arange(AT_DESK + len(KINDS)), (ASKS, RESTS, SETTLES, LET_DOWN))  # by kind of case
SETTLED_WITHIN = 7  # days after its due date in which the part that is not forgiven may still be paid; assumption


def negotiate(market: Market, day: Day, noticed: Positions) -> None:
    """Talk to the borrowers of every lender; ``noticed`` are loans past due, or soon due, tonight."""
    if noticed.size or market.cases.size:
        for lender in market.lenders:
            Talks(market, lender, day).go_on(noticed)


class Talks:
    """One lender's talks of one evening."""

    def __init__(self, market: Market, lender: Lender, day: Day) -> None:
        self.market, self.lender, self.day = market, lender, day
        self.book, self.m = market.book, market.merchants
        self.terms, self.policy = lender.spec.negotiation, lender.policies["negotiation"]
        self.standing = market.standing[lender.lender_id]
        self.new_cases: list[Cases] = []  # made by what was asked, agreed or refused
        self.will = market.plan_of_run.merchants.repayment

    def go_on(self, noticed: Positions) -> None:
        """End what has ended, hear who asks, answer who has waited, and reach out."""
        every = self.market.cases
        kind = every["kind"]
        talking = _IS_TALK[kind]
        busy = every["loan_id"][talking | (kind == _AT_NEGOTIATION)]
        cases, places = NO_CASES, np.zeros(0, np.int64)
        if busy.size:
            own = talking & (every["lender"] == self.lender.index)
            cases, self.market.cases = every[own], every[~own]
            cases, places = self._end(cases, positions_of(self.book, cases))
        early = self._hear(noticed, busy)
        if self.new_cases:  # who is answered at once has asked just now
            asked = joined(self.new_cases)
            is_new = asked["kind"] == ASKS
            self.new_cases, asked = [asked[~is_new]], asked[is_new]
            if asked.size:
                cases, places = joined([cases, asked]), np.concatenate([places, positions_of(self.book, asked)])
        if cases.size or early.size:
            ready = (cases["kind"] == ASKS) & (cases["until"] <= self.day.number)
            n = int(np.count_nonzero(ready))
            positions, waited = np.concatenate([places[ready], early]), np.zeros(n + early.size, np.int64)
            waited[:n] = self.day.number - cases["since"][ready]
            self.offer(positions, waited, np.arange(positions.size) < n)
            cases = cases[~ready]
        if cases.size or self.new_cases:
            self.market.cases = joined([self.market.cases, cases, *self.new_cases])

    def _end(self, cases: Cases, places: Positions) -> tuple[Cases, Positions]:
        """End rests whose time is up and settlements that were kept or not; let go of those who lost patience."""
        today, kind = self.day.number, cases["kind"]
        ends = places < 0  # its loan has ended
        is_wish = ~ends & ((kind == ASKS) | (kind == LET_DOWN))
        ends[is_wish] = self.book["unpaid_since"][places[is_wish]] == 0  # who has paid meanwhile needs no answer
        is_over = self.terms.policy == "none"  # by a dated change it talks no more
        ends |= (kind == RESTS) & (is_over | (cases["until"] <= today))
        rested = places[ends & (kind == RESTS) & (places >= 0)]
        self.book["pressure"][rested] &= np.uint8(255 - HELD)
        self._settle(cases, places, ends)
        waits = np.flatnonzero((kind == ASKS) & ~ends)
        coin = draws.uniform(self.market.seed_number, "negotiate.wait", today, cases["loan_id"][waits])
        gone = waits[coin < self.will.impatience]
        self.give_up(places[gone], today - cases["since"][gone].astype(np.int64))
        ends[gone] = True
        return cases[~ends], places[~ends]

    def _settle(self, cases: Cases, places: Positions, ends: npt.NDArray[np.bool_]) -> None:
        """Forgive the rest where the other part has been paid; the promise lapses where it was not in time."""
        own = (cases["kind"] == SETTLES) & (places >= 0)
        if not own.any():
            return
        _, _, _, records, _ = self.market.room.columns
        sums, plans = self.market.room.sums.repay[0], self.book.schedules.records
        promised = cases["asked"][own].copy()
        given = forgive_rest(self.book.records, plans, places[own], promised, self.day.number, records, sums)
        done = given >= 0
        lapsed = ~done & (cases["until"][own] < self.day.number)
        self.market.note_action(self.day, "settled", places[own][done], given[done])
        self.market.note_action(self.day, "lapses", places[own][lapsed])
        ends[own] = done | lapsed

    def give_up(self, places: Positions, waited: Positions) -> None:
        """Those who have waited too long, days, are let down."""
        self._let_down(places)
        self.market.note_action(self.day, "gives_up", places, waited)

    def _hear(self, noticed: Positions, busy: npt.NDArray[np.int64]) -> Positions:
        """Who of the late asks tonight; gives the loans soon due that the lender looks at by itself."""
        standing, terms, seed, today = self.standing, self.terms, self.market.seed_number, self.day.number
        lenient = standing["granted"] / max(standing["asked"], 1)
        said = listen(
            self.book.records, self.book.schedules.records, noticed, np.sort(busy), self.lender.index,
            np.array([terms.least_dpd, terms.most_dpd, terms.most_times, getattr(self.policy, "ahead", 0), today]),
            np.array([*chances_to_ask(lenient, self.will), self._openness()]),
            draws.day_key(seed, "negotiate.ask", draws.ONCE), draws.day_key(seed, "negotiate.ask", today),
        )  # fmt: skip
        if not said.any():
            return noticed[:0]
        asks, nobody = noticed[said == TO_ASK], noticed[said == IN_VAIN]
        standing["asked"] += asks.size + nobody.size
        if asks.size:
            self._ask(self.book.records[asks])
            self.market.note_action(self.day, "asks", asks)
        if nobody.size:  # they wait for an answer that will not come
            self.new_cases.append(loan_cases(self.book.records[nobody], ASKS, today, NEVER))
            self.market.note_action(self.day, "finds_nobody", nobody)
        return np.asarray(noticed[said == SOON_DUE])

    def _openness(self) -> float:
        """Share of those in difficulty who find somebody to ask; the same loans all along."""
        return float(getattr(self.policy, "openness", 1.0))

    def _ask(self, c: Any) -> None:
        """Cases of those who ask: at the desk, or waiting for an answer that takes its time."""
        if self._has_people("negotiation"):
            self._send(c, "negotiation")
        else:
            today = self.day.number
            self.new_cases.append(loan_cases(c, ASKS, today, today + getattr(self.policy, "response", 0)))

    def _has_people(self, work: str) -> bool:
        return self.lender.spec.desk is not None and work in self.lender.spec.desk.work

    def _send(self, c: Any, work: WorkKind) -> None:
        """Give the borrowers of loans to the desk."""
        seed, day, number = self.market.seed_number, self.day.number, KINDS.index(work)
        self.new_cases.append(desk_cases(seed, day, number, self.lender.index, c["row"], c["loan_id"].copy()))

    def offer(self, places: Positions, waited: Positions, is_asked: npt.NDArray[np.bool_]) -> None:
        """Offer what the policy says, (k,); the borrowers choose; what is accepted holds from tonight.

        ``is_asked`` says of whom the lender was asked; the others it looks at by itself.
        """
        if places.size == 0:
            return
        market, day, c = self.market, self.day, self.book.records[places]
        due = np.zeros(places.size, np.int64)
        plans = self.book.schedules
        find_due(self.book.records, plans.records, plans.unpaid, places, due)
        treatment = self._judge(c, due, day)
        offers, takes = np.zeros(places.size, OFFER), np.empty(places.size, np.bool_)
        draft(
            self.book.records, places, due, is_asked, self.m.wallet, self.m.sales_mean_30d, self.m.margin,
            terms_of(self.terms, day), treatment, offers, takes, market.room.sums.repay[0],
        )  # fmt: skip
        self._agree(places[takes], offers[takes], c[takes])
        for code in sorted(set(treatment[takes].tolist())):
            mine = takes & (treatment == code)
            market.note_action(day, TREATMENTS[code], places[mine], waited[mine])
        if is_asked.any():
            refused, granted = is_asked & (treatment == 0), is_asked & (treatment > 0)
            self.standing["granted"] += int(granted.sum())
            self.remember(np.where(treatment > 0, 1.0 / (1.0 + waited / 3.0), 0.0)[is_asked])
            self._let_down(places[refused], is_remembered=True)
            market.note_action(day, "refused", places[refused], waited[refused])
            market.note_action(day, "declines", places[granted & ~takes], waited[granted & ~takes])

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

    def _agree(self, places: Positions, offers: npt.NDArray[Any], c: Any) -> None:
        """Let the loans (k,) whose borrowers take the offer have their new terms, or be left in peace."""
        if places.size == 0:
            return
        today, treatment = self.day.number, offers["treatment"]
        rests = treatment == HOLD
        if rests.any():
            self.book["pressure"][places[rests]] |= HELD
            self.new_cases.append(loan_cases(c[rests], RESTS, today, today + self.terms.hold))
            places, offers, c, treatment = (one[~rests] for one in (places, offers, c, treatment))
        settles = treatment == FORGIVEN
        if settles.any():
            until = today + self.terms.extension + SETTLED_WITHIN
            new = loan_cases(c[settles], SETTLES, today, until)
            new["asked"] = offers["forgiven"][settles]
            self.new_cases.append(new)
        plans, own = self.book.schedules, c["schedule"]
        offers["place"] = own - 1
        new_plans = own == 0
        if new_plans.any():
            offers["place"][new_plans] = plans.add(next_due=offers["next_due"][new_plans])
        agree(self.book.records, plans.records, offers, today, self.market.room.sums.repay[0])

    def _let_down(self, places: Positions, *, is_remembered: bool = False) -> None:
        """Who gave up or was refused asks no more of this loan; some complain, and all of these stay away."""
        if places.size == 0:
            return
        self.new_cases.append(loan_cases(self.book.records[places], LET_DOWN, self.day.number, NEVER))
        if not is_remembered:
            self.remember(np.zeros(places.size))
        ids, rows = self.book["loan_id"][places], self.book["row"][places]
        coin = draws.uniform(self.market.seed_number, "negotiate.wait", self.day.number, ids, 1)
        complains = coin < self.will.complains
        refused = self.m.lender["refused_until"][self.lender.index]
        away = rows[complains]
        refused[away] = np.maximum(refused[away], self.day.number + STAYS_AWAY)
        if self._has_people("complaint"):
            self._send(self.book.records[places[complains]], "complaint")
        self.market.note_action(self.day, "complains", places[complains])

    def remember(self, experiences: npt.NDArray[np.float64]) -> None:
        """Move what is said of the lender with every experience, from 0 (let down) to 1 (helped at once)."""
        for one in experiences.tolist():
            self.standing["goodwill"] += MEMORY * (one - self.standing["goodwill"])
