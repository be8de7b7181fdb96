"""Settlement: what moved on a day becomes entries in the books, and the lenders' money is put in order.

Each function takes the totals of one phase and books them; `counted` is what the arrays hold, for the daily check.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.loanbook import LoanBook
from sim.core.merchants import Merchants
from sim.engine.books import (
    BANK_MONEY,
    ESCROW,
    GRAINS_PER_FEN,
    MERCHANTS,
    OUTSIDE,
    OUTSIDE_MONEY,
    PLATFORM_MONEY,
    WALLETS,
    Account,
    Books,
)
from sim.engine.day.count import LENT, MONEY, MoneyColumns, count_loans, count_money
from sim.engine.day.tiles import columns_of
from sim.engine.funding.parts import BUCKETS, expected_loss
from sim.errors import BooksError
from sim.lenders.lender import Lender

if TYPE_CHECKING:
    from sim.engine.funding.sharing import Sharing
    from sim.engine.lenders_day import Lent

Totals = Mapping[str, int]
MERCHANTS_OUTSIDE_DEBT: Account = ("merchants", "outside_debt")


def cash_of(lender: str) -> Account:
    """The cash account of a lender."""
    return lender, "cash"


def book_opening(books: Books, opening: Totals) -> None:
    """Money that comes into the market with shops that begin: wallets, and orders under way."""
    books.transfer(OUTSIDE_MONEY, WALLETS, opening["wallet"])
    books.transfer(OUTSIDE_MONEY, ESCROW, opening["shipped"])
    for holder, debit, credit in ((OUTSIDE, "lent", "worth"), (MERCHANTS, "worth", "outside_debt")):
        books.entry(holder, debit, credit, opening["outside_debt"] * GRAINS_PER_FEN)


def book_equity(books: Books, lender: str, fen: int) -> None:
    """The owners' money of a lender."""
    books.transfer(OUTSIDE_MONEY, cash_of(lender), fen, received_for="paid_in")


def change_equity(books: Books, lender: str, fen: int) -> None:
    """Owners put ``fen`` more into a lender, or, if negative, take out what its cash allows."""
    if fen >= 0:
        book_equity(books, lender, fen)
    else:
        out = min(-fen, max(books.fen(lender, "cash"), 0))
        books.transfer(cash_of(lender), OUTSIDE_MONEY, out, paid_for="paid_in")


def book_trade(books: Books, t: Totals) -> None:
    """Sales, confirmations, refunds, commission, costs and wash trades of the day."""
    books.transfer(OUTSIDE_MONEY, ESCROW, t["sales"] - t["paid_at_once"])
    books.transfer(OUTSIDE_MONEY, WALLETS, t["paid_at_once"])
    books.transfer(ESCROW, OUTSIDE_MONEY, t["refunded"])
    books.transfer(ESCROW, WALLETS, t["confirmed"])
    books.transfer(WALLETS, PLATFORM_MONEY, t["commission"])
    books.transfer(WALLETS, OUTSIDE_MONEY, t["costs"])
    books.transfer(WALLETS, ESCROW, t["faked"])
    books.transfer(WALLETS, OUTSIDE_MONEY, t["faking_cost"])


def book_plans(books: Books, t: Totals) -> None:
    """Stock bought, outside money drawn and repaid, what owners took."""
    books.transfer(WALLETS, OUTSIDE_MONEY, t["stock_bought"])
    books.transfer(OUTSIDE_MONEY, WALLETS, t["outside_drawn"], "lent", "outside_debt")
    books.transfer(WALLETS, OUTSIDE_MONEY, t["outside_repaid"], "outside_debt", "lent")
    books.transfer(WALLETS, OUTSIDE_MONEY, t["owner_drawn"])


def book_repayments(books: Books, lender: str, t: Totals) -> None:
    """Accrual, collections, reversals, write-offs and recoveries of one lender, out of REPAY_TOTALS."""
    name, cash = lender, cash_of(lender)
    for basis in (365, 360):
        grains = GRAINS_PER_FEN // (basis * 1_000_000)
        earned = t[f"accrued_{basis}"] - t[f"reversed_{basis}"] - t[f"dropped_{basis}"]
        books.entry(name, "interest_receivable", "interest_income", earned * grains)
    books.transfer(ESCROW, cash, t["swept"], received_for="collections")
    books.transfer(WALLETS, cash, t["from_wallet"], received_for="collections")
    books.transfer(OUTSIDE_MONEY, cash, t["realised"], received_for="collections")
    for paid, account in (
        ("principal_paid", "loans"),
        ("interest_paid", "interest_receivable"),
        ("suspended_paid", "interest_income"),
        ("penalty_paid", "penalty_income"),
        ("fee_paid", "fee_income"),
    ):
        books.entry(name, "collections", account, t[paid] * GRAINS_PER_FEN)
    books.transfer(ESCROW, OUTSIDE_MONEY, t["refund_to_buyers"])
    books.transfer(ESCROW, PLATFORM_MONEY, t["commission"])
    books.transfer(ESCROW, WALLETS, t["freed"])
    books.transfer(cash, WALLETS, t["refunded"], paid_for="refunds")
    books.entry(name, "allowance", "loans", t["written_off"] * GRAINS_PER_FEN)
    books.transfer(OUTSIDE_MONEY, cash, t["recovered"], received_for="recoveries")


def book_sell_off(books: Books, fen: int) -> None:
    """What closing shops got for their stock."""
    books.transfer(OUTSIDE_MONEY, WALLETS, fen)


def book_disbursement(books: Books, lender: str, fen: int, fee: int = 0) -> None:
    """New loans of one lender, and the fees taken out of their payout."""
    books.transfer(cash_of(lender), WALLETS, fen, paid_for="loans")
    books.transfer(WALLETS, cash_of(lender), fee, received_for="fee_income")


def book_diverted(books: Books, fen: int) -> None:
    """Borrowed money that its borrowers took out of their shops."""
    books.transfer(WALLETS, OUTSIDE_MONEY, fen)


def settle_lender(
    books: Books,
    lender: Lender,
    repaid: Totals,
    lent: Lent,
    freeze: float,
    sharing: Sharing | None = None,
    people: int = 0,
) -> dict[str, int]:
    """Close one lender's day: operating cost, provision, bank debt and its interest; returns the day's expenses, fen.

    ``freeze`` is the share of bank money that is frozen today; ``sharing`` tells who else holds its loans, if anybody;
    ``people`` is what the desk costs, fen.
    """
    name, cost = lender.lender_id, lender.spec.costs
    operating = (
        cost.fixed_per_day
        + cost.per_application * lent.applications
        + cost.per_loan * lent.n_loans
        + people
        + lent.signal_cost
        + lent.channel_cost
    )
    collection = cost.per_contact * repaid["contacts"] + repaid["ladder_cost"]
    operating += collection
    books.entry(name, "operating_cost", "costs_payable", operating * GRAINS_PER_FEN)
    return {
        "operating_cost_fen": operating,
        "collection_cost_fen": collection,
        "people_cost_fen": people,
        **_provide(books, lender, repaid, lent.disbursed, sharing),
        "funding_cost_fen": _settle_funding(books, lender, freeze),
        "bank_room_fen": bank_room(books, lender, freeze),
    }


def _provide(
    books: Books, lender: Lender, repaid: Totals, disbursed: int, sharing: Sharing | None
) -> dict[str, int]:
    """Bring the allowance to what the balances by days past due call for; returns the expense, fen.

    Beside it stands the loss that is expected of the whole book, whoever bears it.
    """
    current, *late = (repaid[bucket] for bucket in BUCKETS)
    expected = expected_loss(lender.spec.provisions, (current + disbursed, *late))
    wanted = expected if sharing is None else sharing.allowance(lender)
    expense = wanted - books.owed_fen(lender.lender_id, "allowance")
    books.entry(lender.lender_id, "provision", "allowance", expense * GRAINS_PER_FEN)
    return {"provision_fen": expense, "expected_loss_fen": expected}


def bank_room(books: Books, lender: Lender, freeze: float) -> int:
    """Fen that the lender may still draw from banks: the cap on net capital, less a headroom, less what is drawn.

    ``freeze`` is the share of bank money that is frozen today.
    """
    net = max(books.equity_fen(lender.lender_id), 0)
    return max(int(net * _leverage(lender) * (1.0 - freeze)) - books.owed_fen(lender.lender_id, "bank_debt"), 0)


def _leverage(lender: Lender) -> float:
    """Bank debt that the lender allows itself, as a multiple of net capital."""
    return lender.leverage * (1.0 - lender.spec.bank_debt.headroom)


def free_to_lend(
    books: Books, lender: Lender, freeze: float, undrawn_fen: int, allowance_factor: float = 1.0
) -> int:
    """Fen free for new loans: cash and bank room, less what is owed for costs and the reserve for undrawn limits.

    The provision on a new loan lowers net capital and with it the cap, so that every yuan of it takes a little more;
    ``allowance_factor`` is how much more than on a loan of its own, where it bears the losses of others too.
    """
    name = lender.lender_id
    owed = sum(books.owed_fen(name, payable) for payable in PAYABLES) + 1
    reserve = int(lender.spec.funding.undrawn_reserve * undrawn_fen) + int(lender.spec.equity * _CUSHION)
    room = books.fen(name, "cash") + bank_room(books, lender, freeze) - owed - reserve
    return int(room / (1.0 + _leverage(lender) * lender.spec.provisions.current * allowance_factor))


PAYABLES = ("costs_payable", "interest_payable", "guarantee_payable", "premium_payable")
_CUSHION = 0.002  # share of equity that is never lent, so that costs can always be paid; assumption


def _settle_funding(books: Books, lender: Lender, freeze: float) -> int:
    """Pay interest and costs, draw and repay bank debt by the lender's rule; returns the day's funding cost.

    The cost is in whole fen of what has accrued so far, so that days add up.
    """
    name, debt = lender.lender_id, lender.spec.bank_debt
    before = -books.balances[name, "funding_cost"] // GRAINS_PER_FEN
    owed = books.owed_fen(name, "bank_debt")
    grains = owed * debt.rate.ppm_year * (GRAINS_PER_FEN // (debt.rate.days_in_year * 1_000_000))
    books.entry(name, "funding_cost", "interest_payable", grains)
    for payable, receiver in (("interest_payable", BANK_MONEY), ("costs_payable", OUTSIDE_MONEY)):
        pay = min(books.owed_fen(name, payable), max(books.fen(name, "cash"), 0))
        books.transfer(cash_of(name), receiver, max(pay, 0), paid_for=payable)
    if debt.repay == "keep":
        owed = max(owed - int(max(books.equity_fen(name), 0) * lender.leverage), 0)  # only what is above the cap
    idle = books.fen(name, "cash")
    if idle > 0 and owed > 0:
        books.transfer(cash_of(name), BANK_MONEY, min(idle, owed), paid_for="bank_debt")
    if debt.draw == "at_once":
        books.transfer(BANK_MONEY, cash_of(name), bank_room(books, lender, freeze), received_for="bank_debt")
    return before - -books.balances[name, "funding_cost"] // GRAINS_PER_FEN


def daily_row(
    books: Books,
    lender: Lender,
    repaid: Totals,
    lent: Lent,
    spent: Totals,
    counts: dict[str, int],
    sharing: Sharing | None = None,
) -> dict[str, int]:
    """One lender's row of `daily`, by column; see `sim.results.recorder.DAILY`.

    ``counts`` are running totals of the lender; the interest earned so far is kept there, so that days add up.
    """
    name = lender.lender_id
    holders = (name, *(sharing.holders if sharing else ()))
    income = -sum(books.balances[holder, "interest_income"] for holder in holders) // GRAINS_PER_FEN
    earned, counts["interest"] = income - counts["interest"], income
    plain = (
        "penalty_paid", "refunded", "written_off", "recovered", "balance_1_30", "balance_31_60", "balance_61_90",
        "balance_90_plus", "balance_restructured",
    )  # fmt: skip
    return {
        **{f"{key}_fen": repaid[key] for key in plain},
        "disbursed_fen": lent.disbursed,
        "fee_paid_fen": repaid["fee_paid"] + lent.fees,
        "n_loans": lent.n_loans,
        "n_active": repaid["n_active"] + lent.n_loans,
        "balance_fen": lender.balance_fen,
        "own_balance_fen": books.fen(name, "loans"),
        "interest_fen": earned,
        "interest_paid_fen": repaid["interest_paid"] + repaid["suspended_paid"],
        "principal_repaid_fen": repaid["principal_paid"],
        "balance_current_fen": repaid["balance_current"] + lent.disbursed,
        "balance_performing_fen": repaid["balance_performing"] + lent.disbursed,
        "customers": counts["customers"],
        "customers_new": lent.customers_new,
        "funds_fen": lender.cash_fen + lender.balance_fen + spent["bank_room_fen"],
        "cash_fen": lender.cash_fen,
        "bank_debt_fen": lender.bank_debt_fen,
        "equity_fen": lender.equity_fen,
        "funding_cost_fen": spent["funding_cost_fen"],
        "operating_cost_fen": spent["operating_cost_fen"],
        "collection_cost_fen": spent["collection_cost_fen"],
        "people_cost_fen": spent["people_cost_fen"],
        "contacts": repaid["contacts"],
        "late_paid_fen": repaid["late_paid"],
        "provision_fen": spent["provision_fen"],
        "expected_loss_fen": spent["expected_loss_fen"],
        "allowance_fen": books.owed_fen(name, "allowance"),
        "applications": lent.applications,
        "approvals": lent.approvals,
        "accepted": lent.accepted,
        "rejected_funds": lent.rejected_funds,
        "signal_cost_fen": lent.signal_cost,
        "channel_cost_fen": lent.channel_cost,
        "special_needs": lent.special_needs,
        "special_needs_met": lent.special_needs_met,
        "limit_total_fen": counts["limit_total"],
        **(sharing.row(books) if sharing else {}),
    }


def draw_for(books: Books, lender: str, fen: int) -> None:
    """Draw from the bank what cash lacks for a payment of ``fen``."""
    short = fen - books.fen(lender, "cash")
    if short > 0:
        books.transfer(BANK_MONEY, cash_of(lender), short, received_for="bank_debt")


def check_funding(books: Books, lenders: list[Lender], day: str) -> None:
    """Raise BooksError if a lender has paid out what it did not have."""
    for lender in lenders:
        cash = books.fen(lender.lender_id, "cash")
        if cash < 0:
            raise BooksError(f"{day}: {lender.lender_id}: account 'cash': {cash} fen, more was lent than is funded")


def counted(money: Any, lent: Any, lenders: list[Lender], held: Mapping[Account, int]) -> dict[Account, int]:
    """Control accounts as counted in the arrays, in grains, for `Books.check`.

    ``money`` (len(MONEY),) and ``lent`` (n_lenders, len(LENT)) are the sums of `sim.engine.day.count`; ``held`` is what
    others hold of the lenders' loans and interest, by the lender's account that it is missing from.
    """
    wallets, escrow, outside_debt = (int(fen) * GRAINS_PER_FEN for fen in money)
    totals: dict[Account, int] = {WALLETS: wallets, ESCROW: escrow, MERCHANTS_OUTSIDE_DEBT: -outside_debt}
    for lender in lenders:
        name, (balance, *units) = lender.lender_id, lent[lender.index].tolist()
        totals[name, "loans"] = balance * GRAINS_PER_FEN - held.get((name, "loans"), 0)
        totals[name, "interest_receivable"] = sum(
            accrued * (GRAINS_PER_FEN // (basis * 1_000_000)) for accrued, basis in zip(units, (365, 360), strict=True)
        ) - held.get((name, "interest_receivable"), 0)
        totals[name, "collections"] = 0
    return totals


_AT_ONCE = 65_536  # loans counted at a time


def count_all(
    m: Merchants, book: LoanBook, lenders: list[Lender], held: Mapping[Account, int]
) -> dict[Account, int]:
    """Count all money and loans as they are now; see `counted`."""
    money, lent = np.zeros(len(MONEY), np.int64), np.zeros((len(lenders), len(LENT)), object)
    count_money(columns_of(MoneyColumns, m), 0, m.n, money)
    for start in range(0, book.n, _AT_ONCE):  # units of the whole book may pass 64 bits
        piece = np.zeros(lent.shape, np.int64)
        count_loans(book.records[: book.n], book.order[start : start + _AT_ONCE], piece, money)
        lent = lent + piece
    return counted(money, lent, lenders, held)
