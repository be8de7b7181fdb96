"""New terms for borrowers in difficulty: who asks, how long the answer takes, what is offered and accepted.

Those who find nobody to ask, wait in vain or are refused complain, stay away for a time, and tell others; those who get
relief are seen by those who could pay (design rule 13). Facts A.1.3 (004), B.3, C.12.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.clock import Day
from sim.core.loanbook import HELD
from sim.core.schedules import TREATMENTS
from sim.engine.after.cases import ASKS, LET_DOWN, RESTS, SETTLES, Cases, desk_cases, joined, loan_cases
from sim.engine.after.draft import DECLINES, FORGIVEN, HOLD, REFUSED, draft, terms_of
from sim.engine.after.hearing import (
    ANSWERED,
    GIVES_UP,
    GOES_ON,
    IN_VAIN,
    LAPSES,
    SETTLED,
    SOON_DUE,
    TO_ASK,
    complain,
    find_due,
    go_through,
    listen,
)
from sim.engine.after.new_terms import OFFER, agree
from sim.lenders.desk_terms import KINDS, WorkKind
from sim.lenders.lender import Lender
from sim.world.birth import NEVER
from sim.world.talks import chances_to_ask

if TYPE_CHECKING:
    from sim.engine.market import Market

Positions = npt.NDArray[np.int64]
STAYS_AWAY = 180  # days for which one who was let down does not ask for a loan; assumption
MEMORY = 0.01  # weight of one more experience in what is said of a lender; assumption
NOBODY: Positions = np.zeros(0, np.int64)
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
        cases, today = self.market.cases, self.day.number
        answered = waited = busy = NOBODY
        if cases.size:
            ends, tally, places, given, busy = self._go_through(cases)
            if any(tally[ANSWERED:]):
                self._note_ends(cases, ends, tally, places, given)
                ready = ends == ANSWERED
                answered, waited = places[ready], today - cases["since"][ready].astype(np.int64)
                cases = cases.compress(ends <= GOES_ON)
        asked, early = self._hear(noticed, busy)
        n = answered.size + asked.size
        if n or early.size:
            positions = np.concatenate([answered, asked, early])
            waits, is_asked = np.zeros(positions.size, np.int64), np.zeros(positions.size, np.bool_)
            waits[: waited.size], is_asked[:n] = waited, True
            self.offer(positions, waits, is_asked)
        self.market.cases = joined([cases, *self.new_cases]) if self.new_cases else cases

    def _go_through(self, cases: Cases) -> tuple[Any, list[int], Positions, Positions, Positions]:
        """What becomes of each case tonight; as `sim.engine.after.hearing.go_through` gives it."""
        book, room = self.book, self.market.room
        is_over = self.terms.policy == "none"  # by a dated change it talks no more
        ends, tally, *others = go_through(
            book.records, book.order, book.rows, book.schedules.records, cases, self.lender.index,
            (self.day.number, is_over), self.will.impatience,
            self._wait_key, room.columns[3], room.sums.repay[0],
        )  # fmt: skip
        return ends, tally.tolist(), *others

    @cached_property
    def _wait_key(self) -> np.uint64:
        return draws.day_key(self.market.seed_number, "negotiate.wait", self.day.number)

    def _note_ends(
        self, cases: Cases, ends: npt.NDArray[np.int8], tally: list[int], places: Positions, given: Positions
    ) -> None:
        """Write down settlements that were kept or lapsed, and those who lost patience."""
        for end, action in ((SETTLED, "settled"), (LAPSES, "lapses")):
            if tally[end]:
                mine = ends == end
                self.market.note_action(self.day, action, places[mine], given[mine] if end == SETTLED else None)
        if tally[GIVES_UP]:
            gone = ends == GIVES_UP
            self.give_up(places[gone], self.day.number - cases["since"][gone].astype(np.int64))

    def give_up(self, places: Positions, waited: Positions) -> None:
        """Those who have waited too long, days, are let down."""
        self._let_down(places)
        self.market.note_action(self.day, "gives_up", places, waited)

    def _hear(self, noticed: Positions, busy: Positions) -> tuple[Positions, Positions]:
        """Who of the late asks tonight; gives the loans to be answered at once, and those soon due."""
        standing, terms, seed, today = self.standing, self.terms, self.market.seed_number, self.day.number
        lenient = standing["granted"] / max(standing["asked"], 1)
        said, tally = listen(
            self.book.records, self.book.schedules.records, noticed, busy, self.lender.index,
            (terms.least_dpd, terms.most_dpd, terms.most_times, getattr(self.policy, "ahead", 0), today),
            (*chances_to_ask(lenient, self.will), self._openness()),
            draws.day_key(seed, "negotiate.ask", draws.ONCE), draws.day_key(seed, "negotiate.ask", today),
        )  # fmt: skip
        _, n_ask, n_in_vain, n_near = tally.tolist()
        standing["asked"] += n_ask + n_in_vain
        at_once = NOBODY
        if n_ask:
            asks = noticed[said == TO_ASK]
            at_once = self._ask(asks)
            self.market.note_action(self.day, "asks", asks)
        if n_in_vain:  # they wait for an answer that will not come
            nobody = noticed[said == IN_VAIN]
            self.new_cases.append(loan_cases(self.book.records.take(nobody), ASKS, today, NEVER))
            self.market.note_action(self.day, "finds_nobody", nobody)
        return at_once, noticed[said == SOON_DUE] if n_near else NOBODY

    def _openness(self) -> float:
        """Share of those in difficulty who find somebody to ask; the same loans all along."""
        return float(getattr(self.policy, "openness", 1.0))

    def _ask(self, asks: Positions) -> Positions:
        """Cases of those who ask: at the desk, or waiting for an answer that takes its time; gives the others."""
        response = getattr(self.policy, "response", 0)
        if self._has_people("negotiation"):
            self._send(self.book.records.take(asks), "negotiation")
        elif response:
            today = self.day.number
            self.new_cases.append(loan_cases(self.book.records.take(asks), ASKS, today, today + response))
        else:
            return asks
        return NOBODY

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
        market, day, c = self.market, self.day, self.book.records.take(places)
        due = np.zeros(places.size, np.int64)
        plans = self.book.schedules
        find_due(self.book.records, plans.records, plans.unpaid, places, due)
        treatment = self._judge(c, due, day)
        offers, outcome = np.zeros(places.size, OFFER), np.empty(places.size, np.int8)
        n_taken, n_refused, n_granted = draft(
            self.book.records, places, due, is_asked, self.m.wallet, self.m.sales_mean_30d, self.m.margin,
            terms_of(self.terms), day.number, treatment, offers, outcome, market.room.sums.repay[0],
        )  # fmt: skip
        if n_taken:
            takes = outcome > 0
            self._agree(places[takes], offers.compress(takes), c.compress(takes))
        if n_granted or n_refused:
            self.standing["granted"] += n_granted
            self.remember(np.where(treatment > 0, 1.0 / (1.0 + waited / 3.0), 0.0)[is_asked])
        if n_refused:
            self._let_down(places[outcome == REFUSED], is_remembered=True)
        for code in sorted(set(outcome.tolist()) - {0}):
            mine = outcome == code
            action = {REFUSED: "refused", DECLINES: "declines"}.get(code) or TREATMENTS[code]
            market.note_action(day, action, places[mine], waited[mine])

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
            self.new_cases.append(loan_cases(c.compress(rests), RESTS, today, today + self.terms.hold))
            places, offers, c, treatment = (one.compress(~rests) for one in (places, offers, c, treatment))
        settles = treatment == FORGIVEN
        if settles.any():
            until = today + self.terms.extension + SETTLED_WITHIN
            new = loan_cases(c.compress(settles), SETTLES, today, until)
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
        self.new_cases.append(loan_cases(self.book.records.take(places), LET_DOWN, self.day.number, NEVER))
        if not is_remembered:
            self.remember(np.zeros(places.size))
        complains, refused = np.empty(places.size, np.bool_), self.m.lender["refused_until"][self.lender.index]
        until = self.day.number + STAYS_AWAY
        if not complain(self.book.records, places, self._wait_key, self.will.complains, until, refused, complains):
            return
        if self._has_people("complaint"):
            self._send(self.book.records.take(places[complains]), "complaint")
        self.market.note_action(self.day, "complains", places[complains])

    def remember(self, experiences: npt.NDArray[np.float64]) -> None:
        """Move what is said of the lender with every experience, from 0 (let down) to 1 (helped at once)."""
        for one in experiences.tolist():
            self.standing["goodwill"] += MEMORY * (one - self.standing["goodwill"])
