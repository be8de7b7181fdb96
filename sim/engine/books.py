"""Double entry for the whole market, and the identities that hold every day.

Every holder (a lender, the merchants together, the platform, the bank, the outside) has its own accounts. An amount is
an exact integer of *grains*, the least common fraction of a fen in which interest of both day-count bases accrues, so
that nothing is ever rounded in the books. Positive is debit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sim.core.money import format_yuan
from sim.errors import BooksError

GRAINS_PER_FEN = 26_280 * 10**6  # 26,280 is the least common multiple of 360 and 365
Account = tuple[str, str]

MERCHANTS, PLATFORM, BANK, OUTSIDE = "merchants", "platform", "bank", "outside"
WALLETS: Account = (MERCHANTS, "wallets")
ESCROW: Account = (PLATFORM, "escrow")
PLATFORM_MONEY: Account = (PLATFORM, "money")
BANK_MONEY: Account = (BANK, "money")
OUTSIDE_MONEY: Account = (OUTSIDE, "money")

# Where each account of a lender stands in its balance sheet and its result.
ASSETS = ("cash", "loans", "interest_receivable", "allowance", "servicing_fee_receivable", "junior_notes")
LIABILITIES = ("bank_debt", "interest_payable", "guarantee_payable", "premium_payable")
INCOME = ("interest_income", "penalty_income", "fee_income", "recoveries", "servicing_fee", "claims", "junior_result")
EXPENSES = ("refunds", "funding_cost", "operating_cost", "provision", "guarantee", "premium")


class Books:
    """All accounts. ``transfer`` moves money between holders, ``entry`` books within one."""

    def __init__(self) -> None:
        self.balances: dict[Account, int] = defaultdict(int)

    def entry(self, holder: str, debit: str, credit: str, grains: int) -> None:
        """Book an exact amount within one holder."""
        self.balances[holder, debit] += grains
        self.balances[holder, credit] -= grains

    def transfer(
        self, payer: Account, receiver: Account, fen: int, paid_for: str = "worth", received_for: str = "worth"
    ) -> None:
        """Move whole fen from one money account to another; each side books what it is for."""
        if fen == 0:
            return
        if fen < 0:
            raise BooksError(f"a transfer of {fen} fen from {payer} to {receiver}: payments are never negative")
        grains = fen * GRAINS_PER_FEN
        self.entry(payer[0], paid_for, payer[1], grains)
        self.entry(receiver[0], receiver[1], received_for, grains)

    def fen(self, holder: str, account: str) -> int:
        """Balance of an account in whole fen, rounded towards minus infinity; liabilities and income are negative."""
        return self.balances[holder, account] // GRAINS_PER_FEN

    def owed_fen(self, holder: str, account: str) -> int:
        """Balance of a liability, equity or income account in whole fen, as a positive number."""
        return -self.balances[holder, account] // GRAINS_PER_FEN

    def result_grains(self, lender: str) -> int:
        """Profit to date, exact: income less expenses."""
        return -sum(self.balances[lender, account] for account in (*INCOME, *EXPENSES))

    def equity_fen(self, lender: str) -> int:
        """Paid-in equity plus profit to date, whole fen."""
        return (-self.balances[lender, "paid_in"] + self.result_grains(lender)) // GRAINS_PER_FEN

    def check(self, day: str, counted: Mapping[Account, int]) -> None:
        """Raise BooksError unless every holder balances and every control account equals what was counted.

        Parameters
        ----------
        day : str
            The day, for the message.
        counted : mapping of account to int
            Grains as the arrays hold them, counted apart from all that moves the money; may be empty.
        """
        sums: dict[str, int] = defaultdict(int)
        for (holder, _), grains in self.balances.items():
            sums[holder] += grains
        for holder, grains in sums.items():
            if grains:
                raise BooksError(f"{day}: {holder}: debits and credits differ by {_say(grains)}")
        for (holder, account), grains in counted.items():
            booked = self.balances[holder, account]
            if booked != grains:
                raise BooksError(
                    f"{day}: {holder}: account {account!r}: the books say {_say(booked)}, "
                    f"the arrays {_say(grains)}; difference {_say(booked - grains)}"
                )

    def state(self) -> dict[str, str]:
        """All balances as text, for a checkpoint (they pass 64 bits)."""
        return {f"{holder}|{account}": str(grains) for (holder, account), grains in self.balances.items()}

    def restore(self, state: Mapping[str, str]) -> None:
        """Become the books whose ``state`` this is."""
        self.balances = defaultdict(int)
        for name, grains in state.items():
            holder, account = name.split("|")
            self.balances[holder, account] = int(grains)


def _say(grains: int) -> str:
    fen, rest = divmod(abs(grains), GRAINS_PER_FEN)
    text = f"{fen:,} fen ({format_yuan(fen)})" + (f" and {rest} grains" if rest else "")
    return f"-{text}" if grains < 0 else text
