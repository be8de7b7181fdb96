"""Measures of what happens after the payout: lateness and cures, new terms, contacts, people (facts A.1.3, C.6)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sim.results.ledger import Ledger, ratio
from sim.results.measure import Measure, Value, yuan
from sim.results.tables import day_numbers, is_text, whole_numbers

WATCHED = 30  # days after its due date for which a loan must have been watched
JUDGED_AFTER = 150  # days after new terms at which they are judged
LATE_DAYS_COUNTED = 90  # a loan that is never paid does not drown the others
BUCKETS = ((1, 30), (31, 60), (61, 89), (90, 1_000_000))  # days past due


def _late_days(book: Ledger) -> npt.NDArray[np.int64]:
    return np.minimum(book.loan("max_dpd")[book.matured(WATCHED)], LATE_DAYS_COUNTED)


def _on_time(book: Ledger) -> Value:
    days = _late_days(book)
    return ratio(int((days == 0).sum()), days.size)


def _late_mean(book: Ledger) -> Value:
    days = _late_days(book)
    return ratio(int(days.sum()), days.size)


def flows(book: Ledger) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Balances that moved between buckets from one month end to the next, summed over the window, fen.

    Returns (buckets + 1, buckets + 3): rows are current and the buckets of the month before, columns the same and then
    paid off (what is left of a balance that shrank, too) and written off; and the sums of the rows.
    """
    panel, n = book.month_ends, len(BUCKETS) + 1
    moved = np.zeros((n, n + 2), np.int64)
    if panel.day.size == 0:
        return moved, moved.sum(axis=1)
    edges = [low for low, _ in BUCKETS]
    bucket = np.searchsorted(edges, panel.dpd, side="right")
    written = _is_lost(book)
    days = np.unique(panel.day)
    for before, after in pairwise(days):
        now, then = panel.day == before, panel.day == after
        place = np.full(int(panel.loan.max()) + 1, -1, np.int64)
        left = np.zeros(place.size, np.int64)
        place[panel.loan[then]], left[panel.loan[then]] = bucket[then], panel.balance_fen[then]
        loan, start, balance = panel.loan[now], bucket[now], panel.balance_fen[now]
        is_open = place[loan] >= 0
        np.add.at(moved, (start[is_open], place[loan[is_open]]), np.minimum(left[loan], balance)[is_open])
        shrunk = np.where(is_open, np.maximum(balance - left[loan], 0), np.where(written[loan], 0, balance))
        np.add.at(moved[:, n], start, shrunk)
        np.add.at(moved[:, n + 1], start, np.where(~is_open & written[loan], balance, 0))
    return moved, moved.sum(axis=1)


def roll_rates(book: Ledger) -> npt.NDArray[np.float64]:
    """Shares of a month end's balance by bucket a month later, (buckets + 1, buckets + 3); rows sum to one (C.6).

    Rows: current and the buckets; columns: the same, paid off, written off. NaN in rows without a balance.
    """
    moved, whole = flows(book)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(moved / whole[:, None])


def _is_lost(book: Ledger) -> npt.NDArray[np.bool_]:
    """Which loans were written off, (n,); of others a part may have been forgiven."""
    return is_text(book.tape["status"], "written_off") if book.tape.num_rows else np.zeros(0, np.bool_)


def recovery_curve(book: Ledger) -> list[tuple[int, int, float]]:
    """Share recovered of what was written off, by age: (months since the write-off, fen written off, share).

    It is a section through the run's last day: losses of each age then, of the whole run; forgiven principal is not
    pursued, and what a buyer of debts paid counts (facts C.7).
    """
    lost = book.all_loans("written_off_fen") - book.all_loans("forgiven_fen")
    is_lost = _is_lost(book)
    age = (book.observed - book.all_loans("closed")) // 30
    found = []
    for months in np.unique(age[is_lost]).tolist():
        mine = is_lost & (age == months)
        whole = int(lost[mine].sum())
        found.append((months, whole, int(book.all_loans("recovered_fen")[mine].sum()) / max(whole, 1)))
    return found


def what_was_done(book: Ledger) -> list[tuple[str, int]]:
    """Actions of the window and how often each was taken, the most frequent first."""
    table = book.own("actions") if "actions" in book.run.sources else None
    names = sorted(set(table["action"].to_pylist())) if table is not None and table.num_rows else []
    return sorted(((name, _actions(book, name)) for name in names), key=lambda pair: (-pair[1], pair[0]))


def _rolled(start: int, end: int) -> Callable[[Ledger], Value]:
    def rate(book: Ledger) -> Value:
        moved, whole = flows(book)
        return ratio(int(moved[start, end]), int(whole[start]))

    return rate


def _cures(book: Ledger) -> Value:
    """Loans late at a month end that a month later are paid off or not late; with new terms they do not count."""
    panel = book.month_ends
    if panel.day.size == 0:
        return None
    changed = book.all_loans("n_restructured") > 0
    written = _is_lost(book)
    late = cured = 0
    days = np.unique(panel.day)
    for before, after in pairwise(days):
        was = panel.loan[(panel.day == before) & (panel.dpd >= 1)]
        still = panel.loan[(panel.day == after) & (panel.dpd >= 1)]
        late += was.size
        cured += int((~np.isin(was, still) & ~changed[was] & ~written[was]).sum())
    return ratio(cured, late)


def _actions(book: Ledger, *names: str) -> int:
    """How many actions of these names there were in the window."""
    if "actions" not in book.run.sources:  # a run from before there were any
        return 0
    table = book.own("actions")
    if table.num_rows == 0:
        return 0
    day = day_numbers(table["date"])
    inside = (day >= book.first) & (day <= book.last)
    return sum(int((is_text(table["action"], name) & inside).sum()) for name in names)


def _detail(book: Ledger, name: str) -> Value:
    """Sum of what stands beside an action of the window, in yuan."""
    table = book.own("actions") if "actions" in book.run.sources else None
    if table is None or table.num_rows == 0:
        return 0.0
    day = day_numbers(table["date"])
    inside = (day >= book.first) & (day <= book.last) & is_text(table["action"], name)
    return yuan(int(whole_numbers(table["detail"])[inside].sum()))


def _count(*names: str) -> Callable[[Ledger], Value]:
    return lambda book: _actions(book, *names)


def _share(part: str, *whole: str) -> Callable[[Ledger], Value]:
    return lambda book: ratio(_actions(book, part), _actions(book, *whole))


def _redefaults(book: Ledger) -> Value:
    """Of loans with new terms watched for long enough, those that were 30 days late again, or lost.

    The longest wait for a first payment under new terms by default is a moratorium and a month.
    """
    if book.tape.num_rows == 0 or "defaulted_again" not in book.tape.column_names:
        return None
    since = day_numbers(book.tape["restructured_on"])
    judged = (book.all_loans("n_restructured") > 0) & (since + JUDGED_AFTER <= book.observed) & (since >= book.first)
    lost = book.all_loans("written_off_fen") > book.all_loans("forgiven_fen")
    again = (book.all_loans("defaulted_again") > 0) | lost
    return ratio(int((judged & again).sum()), int(judged.sum()))


def _shops_shut(book: Ledger) -> Value:
    table = book.own("actions") if "actions" in book.run.sources else None
    if table is None or table.num_rows == 0:
        return 0
    day = day_numbers(table["date"])
    inside = (day >= book.first) & (day <= book.last) & is_text(table["action"], "close_shop")
    return int(np.unique(whole_numbers(table["merchant_id"])[inside]).size)


def _decision_days(book: Ledger) -> Value:
    if "applications" not in book.run.sources:
        return None
    table = book.own("applications")
    if "asked_on" not in table.column_names:
        return 0.0 if table.num_rows else None
    day = day_numbers(table["date"])
    inside = (day >= book.first) & (day <= book.last)
    return ratio(int((day - day_numbers(table["asked_on"]))[inside].sum()), int(inside.sum()))


TERMS = ("extension", "re_amortisation", "rate_cut", "forgiveness", "moratorium")
_m = Measure
# fmt: off
AFTER_PAYOUT: tuple[Measure, ...] = (
    _m("on_time_rate", "Paid without a day late", "share", "after",
       "loans never past due / loans, of those opened in the window and due at least 30 days before the run's end",
       "facts B.3 V36", _on_time, matured=True),
    _m("late_days_mean", "Days late, a loan", "days", "after",
       "worst days past due (90 at most) / loans, of the same loans", "facts B.3 V36", _late_mean, matured=True),
    _m("cure_rate", "Late loans cured in a month", "share", "after",
       "loans late at a month end that are paid off or current a month later, without new terms / loans late, over the "
       "month ends of the window", "facts C.6", _cures),
    _m("roll_1_30", "Rolled from 1-30 to 31-60 days late", "share", "after",
       "balance at 31 to 60 days of what was at 1 to 30 days a month before / balance at 1 to 30 days then",
       "facts C.6", _rolled(1, 2)),
    _m("roll_31_60", "Rolled from 31-60 to 61-89 days late", "share", "after",
       "the same from 31 to 60 days to 61 to 89", "facts C.6", _rolled(2, 3)),
    _m("restructured_share", "Balance with new terms", "share", "after",
       "balance of loans whose terms were changed / balance, at the end", "facts C.6, C.8",
       lambda b: ratio(b.closing("balance_restructured_fen"), b.closing("balance_fen"))),
    _m("loans_restructured", "Loans given new terms", "loans", "after", "count of agreements", "facts C.15",
       _count(*TERMS)),
    _m("redefault_rate", "Defaulted again under new terms", "share", "after",
       "loans 30 days late again, or lost, after new terms / loans with new terms since the window began and at least "
       "150 days before the run's end", "facts C.6", _redefaults, matured=True),
    _m("relief_asked", "Asked for relief", "loans", "after", "count of requests, those that found nobody included",
       "facts A.1.3, 004", _count("asks", "finds_nobody")),
    _m("relief_unheard", "Found nobody to ask", "share", "after", "found nobody / asked for relief", "facts A.1.3, 004",
       _share("finds_nobody", "asks", "finds_nobody")),
    _m("relief_given_up", "Gave up waiting for it", "share", "after", "gave up / asked for relief", "facts A.1.3, 004",
       _share("gives_up", "asks", "finds_nobody")),
    _m("settlements_kept", "Settlements kept", "share", "after", "rest forgiven / rest forgiven or promise lapsed",
       "facts C.15", _share("settled", "settled", "lapses")),
    _m("complaints", "Complaints", "complaints", "after", "count", "facts A.1.3, 004", _count("complains")),
    _m("contacts", "Messages and calls", "contacts", "after", "count", "facts A.1.3", lambda b: b.total("contacts")),
    _m("right_party_rate", "Calls that reached the borrower", "share", "after", "reached / calls made",
       "facts C.6, B.3",
       _share("reached", "rings")),
    _m("promises_kept", "Promises to pay that were kept", "share", "after", "kept within 7 days / promises judged",
       "facts C.6, B.3", _share("keeps", "keeps", "breaks")),
    _m("collection_cost", "Cost of collection", "yuan", "after", "contacts and steps of the ladder, without people",
       "facts C.9", lambda b: yuan(b.total("collection_cost_fen"))),
    _m("people_cost", "Cost of people", "yuan", "after",
       "shifts, overtime and the bot of the desk, whatever their work", "facts C.9",
       lambda b: yuan(b.total("people_cost_fen"))),
    _m("cost_to_collect", "Cost of collecting a yuan that was late", "share", "after",
       "(collection_cost + people_cost) / (paid by borrowers past due + recovered after write-off)", "facts C.9",
       lambda b: ratio(b.total("collection_cost_fen", "people_cost_fen"), b.total("late_paid_fen", "recovered_fen"))),
    _m("platform_income_lost", "What the platform lost by that in a year", "yuan", "after",
       "commission and advertising of a year at the pace of the last 90 days, of the shops closed", "facts A.1.7",
       lambda b: _detail(b, "close_shop")),
    _m("shops_shut", "Shops closed for debt", "shops", "after", "merchants whose shop the lender had closed",
       "facts A.1.3", _shops_shut),
    _m("decision_days", "Days to a decision", "days", "after",
       "days from application to decision, mean of those decided in the window; 0 where no people look",
       "facts A.1.1, A.4 T19", _decision_days),
)
# fmt: on
