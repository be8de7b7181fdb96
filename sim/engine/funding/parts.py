"""A lender's loans in parts: the day's flows of a product, and how a part of them passes to another holder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sim.engine.books import GRAINS_PER_FEN, Account, Books
from sim.engine.day.loan import REPAY_TOTALS
from sim.lenders.parameters import Provisions

Flows = dict[str, int]

# What a loan's other holder is paid of, and the account of either side: lenders' and holders' have the same names.
PAID = (
    ("principal_paid", "loans"),
    ("interest_paid", "interest_receivable"),
    ("suspended_paid", "interest_income"),
    ("penalty_paid", "penalty_income"),
    ("recovered", "recoveries"),
)
BUCKETS = ("balance_current", "balance_1_30", "balance_31_60", "balance_61_90", "balance_90_plus")
KINDS = ("earned", *(kind for kind, _ in PAID), "refunded", "written_off")
LATE = {
    "dpd_31": ("balance_31_60", "balance_61_90", "balance_90_plus"),
    "dpd_61": ("balance_61_90", "balance_90_plus"),
    "dpd_90": ("balance_90_plus",),
    "write_off": (),
}


def flows_of(row: Sequence[int]) -> Flows:
    """One product's flows of a day out of REPAY_TOTALS, fen; ``earned``, interest net of reversals, in grains."""
    t = dict(zip(REPAY_TOTALS, map(int, row), strict=True))
    earned = sum(
        (t[f"accrued_{basis}"] - t[f"reversed_{basis}"] - t[f"dropped_{basis}"]) * (GRAINS_PER_FEN // (basis * 10**6))
        for basis in (365, 360)
    )
    return {"earned": earned, **{kind: t[kind] for kind in KINDS if kind != "earned"}}


def buckets_of(row: Sequence[int]) -> list[int]:
    """Balances by days past due out of REPAY_TOTALS, fen, in the order of BUCKETS."""
    return [int(row[REPAY_TOTALS.index(name)]) for name in BUCKETS]


def expected_loss(rule: Provisions, balances: Iterable[int]) -> int:
    """Fen of allowance that balances by days past due (in the order of BUCKETS) call for."""
    shares = (rule.current, rule.dpd_1_30, rule.dpd_31_60, rule.dpd_61_90, rule.dpd_90_plus)
    return sum(
        balance * round(share * 1_000_000) // 1_000_000 for balance, share in zip(balances, shares, strict=True)
    )


def less(flows: Flows, part: Mapping[str, int]) -> Flows:
    """What is left of flows without a part of them."""
    return {kind: amount - part[kind] for kind, amount in flows.items()}


def pass_on(books: Books, lender: str, holder: str, part: Mapping[str, int]) -> None:
    """Pass a part of what a lender has booked as its own today to another holder of its loans.

    The lender has collected all of it; interest earned and principal lost change hands without money.
    """
    cash, money = (lender, "cash"), (holder, "money")
    books.entry(lender, "interest_income", "interest_receivable", part["earned"])
    books.entry(holder, "interest_receivable", "interest_income", part["earned"])
    for kind, account in PAID:
        books.transfer(cash, money, part[kind], account, account)
    books.transfer(money, cash, part["refunded"], "refunds", "refunds")
    books.entry(lender, "loans", "allowance", part["written_off"] * GRAINS_PER_FEN)
    books.entry(holder, "losses", "loans", part["written_off"] * GRAINS_PER_FEN)


def owe(books: Books, debtor: str, creditor: str, what: str, grains: int) -> None:
    """A debt between two holders, exact: expense and payable of the one, receivable and income of the other."""
    books.entry(debtor, what, f"{what}_payable", grains)
    books.entry(creditor, f"{what}_receivable", what, grains)


def pay_owed(books: Books, payer: Account, receiver: Account, what: str, most_fen: int | None = None) -> int:
    """Pay the whole fen of what is owed, as far as ``most_fen`` reaches; returns the fen paid."""
    owed = max(books.owed_fen(payer[0], f"{what}_payable"), 0)
    paid = owed if most_fen is None else min(owed, max(most_fen, 0))
    books.transfer(payer, receiver, paid, f"{what}_payable", f"{what}_receivable")
    return paid
