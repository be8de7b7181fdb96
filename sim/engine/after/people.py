"""The day of the lenders' people: reviews, calls, talks and complaints through the desk, and what comes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.clock import Day
from sim.core.loanbook import ACTIVE, LOANS_A_MERCHANT, PROMISED, SECURED
from sim.core.merchants import OPEN, PLATFORMS
from sim.engine.after.cases import AT_DESK, PROMISED_TO_PAY, SEEN, Cases, desk_cases, joined, loan_cases, positions_of
from sim.engine.after.hearing import NOT_REACHED, PROMISES, ring
from sim.engine.after.negotiate import Talks
from sim.engine.lend import Requests, Wishes
from sim.lenders.desk import work_day
from sim.lenders.desk_cases import ABANDONED, WAITS, AtWork, draw_cases
from sim.lenders.desk_terms import KINDS, MINUTES_A_DAY
from sim.lenders.lender import STEP, Lender
from sim.world.interview import fails

if TYPE_CHECKING:
    from sim.engine.market import Market

REVIEW, SITE_VISIT, CALL, NEGOTIATION, COMPLAINT = range(len(KINDS))
KEPT_WITHIN = 7  # days after which a promise to pay is kept or broken; assumption
_HEARD = 0.5  # what a complaint that is heard leaves of an experience, 0 to 1; assumption


@dataclass(frozen=True)
class Asked:
    """What a lender decides tonight: which requests have failed a review, (n,), and the day number of each, (n,)."""

    wishes: Wishes
    requests: Requests
    failed: npt.NDArray[np.bool_]
    asked_on: npt.NDArray[np.int64]


def has_people_for(lender: Lender, kind: int) -> bool:
    """Whether a lender's desk does this kind of work."""
    return lender.spec.desk is not None and KINDS[kind] in lender.spec.desk.work


def work_desks(market: Market, day: Day) -> None:
    """Let the people of every lender that has some work for a day."""
    market.desk_cost = {}
    if market.cases.size:
        judge_promises(market, day)
    for lender in market.lenders:
        if market.cases.size:
            _send_away(market, lender)
        if lender.spec.desk is not None:
            _work(market, lender, day)


def _send_away(market: Market, lender: Lender) -> None:
    """Close the cases of work that a dated change has taken from the desk; applicants may ask again."""
    cases = market.cases
    kind = cases["kind"] - AT_DESK
    gone = (cases["lender"] == lender.index) & (kind >= 0)
    gone &= ~np.isin(kind, [code for code in range(len(KINDS)) if has_people_for(lender, code)])
    if gone.any():
        _lost(market, lender, cases[gone & np.isin(kind, (REVIEW, SITE_VISIT))])
        market.cases = cases[~gone]


def _work(market: Market, lender: Lender, day: Day) -> None:
    desk, cases = lender.spec.desk, market.cases
    assert desk is not None
    mine = (cases["lender"] == lender.index) & (cases["kind"] >= AT_DESK)
    mine &= cases["arrived"] < (day.number + 1) * MINUTES_A_DAY  # some come later: their papers are not complete
    own = cases[mine]
    kind = own["kind"] - AT_DESK
    since = own["arrived"] - day.number * MINUTES_A_DAY
    rows = draw_cases(desk, market.seed_number, own["case_id"], kind, since)
    name = lender.lender_id
    team, until = market.at_work[name]
    still = team < len(desk.teams)  # a dated change may have fewer teams
    outcome = work_day(desk, rows, day, AtWork(team[still], until[still]))
    market.at_work[name] = outcome.at_work.team, outcome.at_work.until
    market.desk_cost[name] = outcome.cost
    waits = outcome.state == WAITS
    market.cases = joined([cases[~mine], own[waits]])
    gone = outcome.state == ABANDONED
    work = ((CALL, _called), (NEGOTIATION, _talked), (COMPLAINT, _heard), (SITE_VISIT, _visited), (REVIEW, _met))
    for code, do in work:
        done = (kind == code) & ~waits
        if done.any():
            do(market, lender, day, own[done], gone[done], outcome.waited[done])


def _minutes(waited: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return np.rint(waited).astype(np.int64)


def call_now(market: Market, day: Day, positions: npt.NDArray[np.int64]) -> None:
    """Call: some are reached, and some of those promise; a promise is not forgotten."""
    said, key = np.empty(positions.size, np.int8), draws.day_key(market.seed_number, "collect.call", day.number)
    n_reached, n_promise = ring(market.book.records, positions, key, said)
    market.note_action(day, "rings", positions)
    if n_reached:
        market.note_action(day, "reached", positions[said != NOT_REACHED])
    if n_promise:
        promise = positions[said == PROMISES]
        new = loan_cases(market.book.records.take(promise), PROMISED_TO_PAY, day.number, day.number + KEPT_WITHIN)
        market.cases = joined([market.cases, new])
        market.note_action(day, "promises", promise)


def judge_promises(market: Market, day: Day) -> None:
    """See which promises to pay were kept in time: the loan is paid, or nothing of it is late any more."""
    ends = (market.cases["kind"] == PROMISED_TO_PAY) & (market.cases["until"] <= day.number)
    if not ends.any():
        return
    cases, book = market.cases[ends], market.book
    market.cases = market.cases[~ends]
    places = positions_of(book, cases, lost=True)
    kept = places < 0
    here = places[~kept]
    kept[~kept] = (book["unpaid_since"][here] == 0) & (book["status"][here] == ACTIVE)
    changed = np.zeros(kept.size, np.bool_)  # new terms meanwhile: neither kept nor broken
    changed[places >= 0] = book["restructured_day"][places[places >= 0]] >= cases["since"][places >= 0]
    book["pressure"][places[~kept]] &= np.uint8(255 - PROMISED)
    for name, these in (("keeps", kept & ~changed), ("breaks", ~kept & ~changed)):
        market.recorder.actions(day.number, name, cases["lender"][these], cases["loan_id"][these])


def _called(
    market: Market, lender: Lender, day: Day, cases: Cases, gone: npt.NDArray[np.bool_], waited: npt.NDArray[np.float64]
) -> None:
    places = positions_of(market.book, cases)
    still = places >= 0
    still[still] = market.book["unpaid_since"][places[still]] > 0  # who has paid meanwhile is not called
    call_now(market, day, places[still & ~gone])


def _talked(
    market: Market, lender: Lender, day: Day, cases: Cases, gone: npt.NDArray[np.bool_], waited: npt.NDArray[np.float64]
) -> None:
    talks = Talks(market, lender, day)
    places = positions_of(market.book, cases)
    here = places >= 0
    talks.give_up(places[here & gone], _minutes(waited[here & gone]) // int(MINUTES_A_DAY))
    here &= ~gone
    here[here] = market.book["unpaid_since"][places[here]] > 0
    talks.offer(places[here], _minutes(waited[here]) // int(MINUTES_A_DAY), np.ones(int(here.sum()), np.bool_))
    market.cases = joined([market.cases, *talks.new_cases])


def _heard(
    market: Market, lender: Lender, day: Day, cases: Cases, gone: npt.NDArray[np.bool_], waited: npt.NDArray[np.float64]
) -> None:
    talks = Talks(market, lender, day)
    talks.remember(np.where(gone, 0.0, _HEARD))
    places = positions_of(market.book, cases)
    market.note_action(day, "heard", places[(places >= 0) & ~gone], _minutes(waited[(places >= 0) & ~gone]))


def _met(
    market: Market, lender: Lender, day: Day, cases: Cases, gone: npt.NDArray[np.bool_], waited: npt.NDArray[np.float64]
) -> None:
    """After the interview the larger ones are visited; the others can be decided."""
    served = cases[~gone]
    visit = served["asked"] >= lender.spec.approval.visit_from
    visit &= has_people_for(lender, SITE_VISIT)
    later = desk_cases(
        market.seed_number, day.number, SITE_VISIT, lender.index, served["row"][visit], served["loan_id"][visit]
    )
    for name in ("since", "product", "asked", "worth", "is_pressed"):
        later[name] = served[name][visit]
    later["arrived"] = day.number * MINUTES_A_DAY + MINUTES_A_DAY - 1.0  # of tomorrow's work
    market.cases = joined([market.cases, later])
    _decidable(market, lender, served[~visit])
    _lost(market, lender, cases[gone])


def _visited(
    market: Market, lender: Lender, day: Day, cases: Cases, gone: npt.NDArray[np.bool_], waited: npt.NDArray[np.float64]
) -> None:
    _decidable(market, lender, cases[~gone])
    _lost(market, lender, cases[gone])


def _decidable(market: Market, lender: Lender, cases: Cases) -> None:
    seen = cases.copy()
    seen["kind"] = SEEN
    market.cases = joined([market.cases, seen])


def _lost(market: Market, lender: Lender, cases: Cases) -> None:
    """An applicant who gave up waiting may ask again another day."""
    market.merchants.lender["is_pending"][lender.index, cases["row"]] = False


def send_to_people(
    market: Market, lender: Lender, wishes: Wishes, requests: Requests, day: Day
) -> Asked:
    """Keep back the requests that people must look at first, and bring in those that they have looked at."""
    m, terms, n = market.merchants, lender.spec.approval, requests.rows.size
    asked_on = np.full(n, day.number, np.int64)
    come = market.cases[(market.cases["kind"] == SEEN) & (market.cases["lender"] == lender.index)]
    if terms.policy != "desk" and come.size == 0:
        return Asked(wishes, requests, np.zeros(n, np.bool_), asked_on)
    platforms = np.isin(m.platform[requests.rows], [PLATFORMS.index(name) for name in terms.people_for])
    waits = (platforms | (requests.asked_fen >= terms.people_from)) & (terms.policy == "desk")
    waits &= ~np.isin(requests.product, SECURED)  # bounded by what they rest on, which will not wait
    rows = requests.rows[waits]
    new = desk_cases(
        market.seed_number, day.number, REVIEW, lender.index, rows,
        m.merchant_id[rows].astype(np.int64) * LOANS_A_MERCHANT + LOANS_A_MERCHANT - 1 - lender.index,
    )  # fmt: skip
    new["arrived"] += MINUTES_A_DAY * max(terms.papers, 1)  # asked in the evening; people see it from tomorrow on
    new["product"], new["asked"] = requests.product[waits], requests.asked_fen[waits]
    new["worth"], new["is_pressed"] = wishes.worth[requests.wish[waits]], wishes.is_pressed[requests.wish[waits]]
    gone = (market.cases["kind"] == SEEN) & (market.cases["lender"] == lender.index)
    market.cases = joined([market.cases[~gone], new])
    own = {name: column[lender.index] for name, column in m.lender.items()}
    own["is_pending"][rows] = True
    own["is_pending"][come["row"]] = False
    # who has closed, is late or was refused meanwhile gets nothing; the others no more than the joint cap leaves
    row = come["row"]
    come = come[(m.status[row] == OPEN) & (own["dpd"][row] == 0) & (own["refused_until"][row] < day.number)]
    back = come["row"].astype(np.intp)
    come["asked"] = np.minimum(come["asked"], lender.spec.joint_cap - own["exposure_fen"][back]) // STEP * STEP
    come, back = come[come["asked"] > 0], back[come["asked"] > 0]
    told = Wishes(
        np.concatenate([wishes.rows, back]),
        np.concatenate([wishes.amount_fen, come["asked"]]),
        np.concatenate([wishes.worth, come["worth"]]),
        np.concatenate([wishes.is_pressed, come["is_pressed"]]),
    )
    asks = Requests(
        np.concatenate([requests.rows[~waits], back]),
        np.concatenate([requests.product[~waits], come["product"]]),
        np.concatenate([requests.asked_fen[~waits], come["asked"]]),
        np.concatenate([requests.wish[~waits], wishes.rows.size + np.arange(back.size)]),
    )
    failed = np.concatenate([np.zeros(n - rows.size, np.bool_), fails(m, back, market.seed_number, day.number)])
    return Asked(told, asks, failed, np.concatenate([asked_on[~waits], come["since"].astype(np.int64)]))

