"""One merchant's whole story: sales, loans, messages, waits, offers and choices by date, under one strategy or two.

What a run keeps says what lenders did; how the shop did in between is lived again from the run's own scenario and seed,
which gives the same to the bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from sim.core.loanbook import LOANS_A_MERCHANT
from sim.core.money import format_yuan
from sim.errors import StoreError
from sim.lenders.collection_terms import Step
from sim.results.run import Run

SAYS = {
    "advise": "advises the shop, whose sales have fallen",
    "cut": "cuts the limit, as sales have fallen or returns have risen",
    "recall": "calls the loan, as sales have collapsed",
    "misuse": "calls the loan at a dearer rate: sales did not rise after it, so the money is thought to be elsewhere",
    "wash": "finds sales that look faked; no limit, and a lower rating",
    "call": "has the borrower called",
    "reached": "reaches the borrower",
    "promises": "hears a promise to pay",
    "keeps": "sees the promise kept",
    "breaks": "sees the promise broken",
    "suspend": "gives no more credit",
    "close_shop": "has the shop closed",
    "blacklist": "puts the debtor on the list",
    "help": "shows the shop in a better place",
    "legal": "goes to court",
    "sell": "sells the debt",
    "tell_contacts": "tells the debtor's contacts",
    "remind": "reminds",
    "rings": "rings the borrower",
    "asks": "is asked for relief",
    "finds_nobody": "has nobody to ask for relief",
    "gives_up": "has let the borrower wait too long: it gives up",
    "refused": "refuses relief",
    "declines": "makes an offer that is declined",
    "complains": "hears a complaint, and the merchant stays away",
    "heard": "answers the complaint",
    "extension": "agrees to a later date",
    "re_amortisation": "agrees to instalments",
    "rate_cut": "agrees to instalments at a lower rate",
    "forgiveness": "agrees to forgive a part once the rest is paid",
    "settled": "forgives what is left, as agreed",
    "lapses": "forgives nothing, as the rest was not paid in time",
    "moratorium": "agrees to months in which nothing is due",
    "hold": "lets collection rest",
}
"""What every action of the table ``actions`` means, with the lender as its subject."""
_WAITED = (
    "gives_up", "refused", "declines", "extension", "re_amortisation", "rate_cut", "forgiveness", "moratorium", "hold",
)  # fmt: skip
_MESSAGES = ("remind", "tell_contacts")
_LAST = {"month": 0, "shop": 1, "asks": 2, "lent": 3, "late": 4, "does": 5, "pays": 6}  # order within a day


@dataclass(frozen=True)
class Event:
    """Something that happened on a day; ``kind`` is month, shop, asks, lent, late, does or pays."""

    date: date
    kind: str
    text: str


@dataclass(frozen=True)
class Story:
    """A merchant in one run: what it is (the hidden truth), and its events by date."""

    merchant_id: int
    about: dict[str, Any]
    events: tuple[Event, ...]


def explain(run: Run, merchant_id: int) -> Story:
    """Tell the story of a merchant of a finished run.

    Raises
    ------
    KeyError
        If the run has no such merchant.
    StoreError
        If the run cannot be lived again as it was: another version of the program made it.
    """
    row = _row_of(run, merchant_id)
    events = [*_applications(run, merchant_id), *_loans(run, merchant_id), *_actions(run, merchant_id)]
    lived = _live_again(run, merchant_id, row)
    events = sorted([*events, *lived], key=lambda one: (one.date, _LAST[one.kind]))
    return Story(merchant_id, row, tuple(events))


def beside(stories: Sequence[Story]) -> list[tuple[date, tuple[str, ...]]]:
    """Rows of stories side by side: a date, and what happened then in each."""
    days = sorted({one.date for story in stories for one in story.events})
    return [
        (day, tuple("\n".join(one.text for one in story.events if one.date == day) for story in stories))
        for day in days
    ]


def _rows(run: Run, name: str, merchant_id: int) -> list[dict[str, Any]]:
    import pyarrow.compute as pc

    if name not in run.sources:
        return []
    table = run.table(name)
    found: list[dict[str, Any]] = table.filter(pc.equal(table["merchant_id"], merchant_id)).to_pylist()
    return found


def _row_of(run: Run, merchant_id: int) -> dict[str, Any]:
    found = _rows(run, "merchants", merchant_id)
    if not found:
        n = run.table("merchants", ["merchant_id"]).num_rows
        raise KeyError(f"no merchant {merchant_id}; ids run from 1 to {n:,}")
    return found[0]


def _rate(ppm: int) -> str:
    return f"{ppm / 10_000:g} %/year"


def _applications(run: Run, merchant_id: int) -> Iterable[Event]:
    for row in _rows(run, "applications", merchant_id):
        asks = f"asks {row['lender']} for {format_yuan(row['asked_fen'])} ({row['product']})"
        seen = f"score {row['score']:.2f}, limit {format_yuan(row['limit_fen'])}"
        waited = (row["date"] - row["asked_on"]).days if row.get("asked_on") else 0
        seen += f", after {waited} days" if waited else ""
        if row["decision"] == "approved":
            taken = "takes it" if row["accepted"] else "and does not take it"
            text = f"{asks}: gets {format_yuan(row['granted_fen'])} at {_rate(row['rate_ppm_year'])}, {taken}; {seen}"
        else:
            reasons = [row[f"reason_{k}"] for k in (1, 2, 3) if row.get(f"reason_{k}")]
            text = f"{asks}: {row['decision'].replace('_', ' ')}, {'; '.join(reasons) or 'no reason kept'}; {seen}"
        yield Event(row["date"], "asks", text)


def _loans(run: Run, merchant_id: int) -> Iterable[Event]:
    for row in _rows(run, "loans", merchant_id):
        number, days = row["loan_id"] % LOANS_A_MERCHANT, row["max_dpd"]
        name = f"loan {number} ({row['product']}, {row['lender']})"
        yield Event(row["opened"], "lent", f"{name}: {format_yuan(row['principal_fen'])} paid out, due {row['due']}")
        if row["closed"] is None:
            continue
        cost = row["interest_paid_fen"] + row["penalty_paid_fen"] + row.get("fee_paid_fen", 0) - row["refunded_fen"]
        late = f", {days} days late at worst ({row['cause'] or 'no cause'})" if days else ""
        if row["status"] == "written_off":
            text = f"{name}: {format_yuan(row['written_off_fen'])} lost{late}"
        else:
            text = f"{name}: paid off after {(row['closed'] - row['opened']).days} days for {format_yuan(cost)}{late}"
        yield Event(row["closed"], "pays", text)


def _actions(run: Run, merchant_id: int) -> Iterable[Event]:
    for row in _rows(run, "actions", merchant_id):
        text = f"{row['lender']} {SAYS.get(row['action'], row['action'])} (loan {row['loan_id'] % LOANS_A_MERCHANT})"
        if row["action"] in _WAITED and row["detail"] > 0:
            text += f", after {row['detail']} days"
        yield Event(row["date"], "does", text)


def _live_again(run: Run, merchant_id: int, row: dict[str, Any]) -> list[Event]:
    """The shop's months, its openings and closings, and when it fell behind, out of the same days lived again."""
    from sim.engine.market import Market
    from sim.engine.scenario import load

    if run.path is None:
        raise StoreError("a run in memory cannot be explained; save it, or run with a folder")
    market = Market(load(run.path / "scenario.yaml"), rng=int(run.manifest["seed"]))
    place = int(np.flatnonzero(market.merchants.merchant_id == merchant_id)[0])
    seen = _Watched(market, place)
    try:
        while market.running:
            market.step()
            seen.look()
        sold = int(market.merchants.sales_total[place])
    finally:
        market.dispose()
    if sold != row["sales_fen"]:
        raise StoreError(f"{run.path}: lived again, the shop sells otherwise; another version of lendsim made this run")
    return seen.events


class _Watched:
    """One merchant from day to day."""

    def __init__(self, market: Any, place: int) -> None:
        self.market, self.place, self.events = market, place, list[Event]()
        self.m = market.merchants
        self.status = int(self.m.status[place])
        self.late = [0] * len(market.lenders)
        self._begin_month()

    def _begin_month(self) -> None:
        self.sold = float(self.m.sales_total[self.place])
        self.lost = float(self.m.lost_total[self.place])

    def look(self) -> None:
        """Note what has changed today."""
        today = self.market.calendar[self.market.day_index - 1].date
        status = int(self.m.status[self.place])
        words = {1: "the shop opens", 2: "the shop begins to close", 3: "the shop is closed"}
        if status != self.status:
            self.events.append(Event(today, "shop", words.get(status, "")))
            self.status = status
        for lender in self.market.lenders:
            days = int(self.m.lender["dpd"][lender.index, self.place])
            before = self.late[lender.index]
            if days > 0 and before == 0:
                self.events.append(Event(today, "late", f"is late with {lender.lender_id}"))
            if days == 0 and before > 0:
                text = f"is no longer late with {lender.lender_id}, after {before} days"
                self.events.append(Event(today, "late", text))
            self.late[lender.index] = days
        self._messages(today)
        if (today + timedelta(days=1)).day == 1 or not self.market.running:
            self._end_month(today)

    def _messages(self, today: date) -> None:
        """Reminders, and words to contacts, which no table keeps."""
        book, number = self.market.book, self.market.calendar[self.market.day_index - 1].number
        for k in np.flatnonzero((book["row"] == self.place) & (book["status"] == 0)).tolist():
            loan = book.records[k]
            lender = self.market.lenders[int(loan["lender"])]
            late = number - int(loan["unpaid_since"]) if loan["unpaid_since"] > 0 else -1
            due = int(loan["due"])
            if loan["schedule"] > 0:
                due = int(book.schedules.records["next_due"][loan["schedule"] - 1])
            for step in lender.spec.collection.steps.values():
                name = f"(loan {int(loan['loan_id']) % LOANS_A_MERCHANT})"
                if step.before is not None and late < 0 and due - number == step.before and loan["product"] != 0:
                    self.events.append(Event(today, "does", f"{lender.lender_id} reminds of what is due soon {name}"))
                elif step.action in _MESSAGES and _is_said(step, late):
                    words = f"{lender.lender_id} {SAYS[step.action]}, {late} days late {name}"
                    self.events.append(Event(today, "does", words))

    def _end_month(self, today: date) -> None:
        sold = round(float(self.m.sales_total[self.place]) - self.sold)
        lost = round(float(self.m.lost_total[self.place]) - self.lost)
        if sold or lost or self.status == 1:
            owed = int(self.m.lender["exposure_fen"][:, self.place].sum()) if self.market.lenders else 0
            text = f"month: sells {format_yuan(sold)}"
            text += f", misses {format_yuan(lost)} for want of stock" if lost else ""
            text += f"; has {format_yuan(int(self.m.wallet[self.place]))}, owes {format_yuan(owed)}"
            self.events.append(Event(today, "month", text))
        self._begin_month()


def _is_said(step: Step, late: int) -> bool:
    """Whether a message of the ladder goes out to a borrower who is so many days late."""
    if step.after is None or not step.after <= late <= step.until:
        return False
    return late == step.after or (step.every > 0 and (late - step.after) % step.every == 0)
