"""Securities in the books: issue, collections of a pool, the waterfall of an evening, and its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sim.core.loanbook import PRODUCTS
from sim.core.money import PPM
from sim.engine.books import GRAINS_PER_FEN, Books
from sim.engine.funding.parts import owe, pay_owed
from sim.institutions.vehicle import INVESTORS, Pool, Vehicle, price, waterfall
from sim.lenders.funding_terms import Securitisation


@dataclass(frozen=True)
class Seller:
    """The lender as a pool sees it in the evening.

    Attributes
    ----------
    own : callable
        Fen of principal of a product that the lender holds itself.
    today : Counter
        Where the day's figures are kept, by column of `daily` without its ``_fen``.
    """

    lender_id: str
    own: Callable[[str], int]
    today: Counter[str]

    def for_sale(self, pool: Pool) -> dict[str, int]:
        """Fen of own principal by product that a pool may buy."""
        return {name: self.own(name) for name in PRODUCTS if not pool.products or name in pool.products}


def close_day(books: Books, vehicle: Vehicle, seller: Seller, today: int) -> None:
    """The evening of all pools: interest accrues, money goes down the waterfall, the junior piece is valued anew."""
    for pool in vehicle.open_pools:
        grains = pool.senior * pool.ppm_year * (GRAINS_PER_FEN // (pool.days_in_year * PPM))
        before = books.fen(pool.holder, "senior_interest")
        owe(books, pool.holder, INVESTORS, "senior_interest", grains)
        seller.today["senior_interest"] += books.fen(pool.holder, "senior_interest") - before
        worth = pool.principal + books.fen(pool.holder, "money") + books.fen(pool.holder, "interest_receivable")
        pool.is_revolving = pool.is_revolving and today < pool.ends and worth >= pool.stop_at
        _pay(books, pool, seller)
        is_empty = pool.principal == 0 and not pool.is_revolving
        if pool.senior == 0 or is_empty:
            _end(books, pool, seller)
        _value_junior(books, pool, seller)


def issue_if_due(
    books: Books,
    vehicle: Vehicle,
    seller: Seller,
    terms: Securitisation,
    begin: int,
    today: int,
    most_senior: int | None,
) -> bool:
    """Issue the next securities if their day has come, the lender has loans enough, and the rules allow it.

    Returns whether the rules alone were in the way.

    Parameters
    ----------
    begin, today : int
        Day numbers: from when the first issue is due, and today.
    most_senior : int, optional
        Fen of securities that the rules allow in all.
    """
    n = len(vehicle.pools)
    if n >= terms.issues or today < begin + n * terms.every:
        return False
    own = sum(seller.own(name) for name in PRODUCTS if not terms.products or name in terms.products)
    senior = terms.size - round(terms.size * terms.junior)
    if own < terms.size:
        return False
    if most_senior is not None and vehicle.senior + senior > most_senior:
        return True
    pool = vehicle.new_pool(terms, today)
    money, cash = (pool.holder, "money"), (seller.lender_id, "cash")
    books.transfer((INVESTORS, "money"), money, pool.senior, "senior_notes", "senior_notes")
    _buy(books, pool, seller, _reach(books, pool, seller))
    books.transfer(cash, money, pool.junior, "junior_notes", "junior_notes")
    pool.book = pool.junior
    _buy(books, pool, seller, min(_reach(books, pool, seller), pool.nominal - pool.principal))
    return False


def _reach(books: Books, pool: Pool, seller: Seller) -> int:
    """Principal that the pool's money buys, with the interest accrued on it."""
    own = sum(seller.for_sale(pool).values())
    return books.fen(pool.holder, "money") * own // max(own + _accrued(books, seller, own), 1)


def _accrued(books: Books, seller: Seller, own_fen: int) -> int:
    """Whole fen of interest accrued on some of the lender's own principal: like that on all of it."""
    loans = books.fen(seller.lender_id, "loans")
    return max(books.fen(seller.lender_id, "interest_receivable"), 0) * own_fen // loans if loans > 0 else 0


def _pay(books: Books, pool: Pool, seller: Seller) -> None:
    money, own = (pool.holder, "money"), sum(seller.for_sale(pool).values())
    owed = max(books.owed_fen(pool.holder, "senior_interest_payable"), 0)
    paid = waterfall(pool, books.fen(*money), owed, own, _accrued(books, seller, own))
    pay_owed(books, money, (INVESTORS, "money"), "senior_interest", paid.interest)
    _buy(books, pool, seller, paid.bought)
    books.transfer(money, (INVESTORS, "money"), paid.senior, "senior_notes", "senior_notes")
    pool.senior -= paid.senior
    books.transfer(money, (seller.lender_id, "cash"), paid.junior, "residual", "junior_result")
    seller.today["junior_result"] += paid.junior


def _buy(books: Books, pool: Pool, seller: Seller, fen: int) -> None:
    """Buy principal at par with the interest accrued on it, of every product as much as the lender has of it."""
    stock = seller.for_sale(pool)
    own, name = sum(stock.values()), seller.lender_id
    if fen <= 0:
        return
    accrued = price(fen, own, _accrued(books, seller, own)) - fen
    left = fen
    for product, held in stock.items():
        taken = fen * held // own
        pool.loans[product] = pool.loans.get(product, 0) + taken
        left -= taken
    for product in stock:  # what rounding has left, a fen or two
        rest = min(left, seller.own(product))
        pool.loans[product] += rest
        left -= rest
    money, cash = (pool.holder, "money"), (name, "cash")
    books.transfer(money, cash, fen, "loans", "loans")
    books.transfer(money, cash, accrued, "interest_receivable", "interest_receivable")


def _end(books: Books, pool: Pool, seller: Seller) -> None:
    """End a pool: what is left of its loans and money goes to the junior piece; senior principal unpaid is lost."""
    name, holder = seller.lender_id, pool.holder
    if pool.senior:
        lost = pool.senior * GRAINS_PER_FEN
        books.entry(holder, "senior_notes", "residual", lost)
        books.entry(INVESTORS, "losses", "senior_notes", lost)
        pool.senior = 0
    _forgive_interest(books, holder)
    for account in ("loans", "interest_receivable"):
        grains = books.balances[holder, account]
        books.entry(holder, "residual", account, grains)
        books.entry(name, account, "junior_result", grains)
        seller.today["junior_result"] += grains // GRAINS_PER_FEN
    rest = books.fen(holder, "money")
    books.transfer((holder, "money"), (name, "cash"), rest, "residual", "junior_result")
    seller.today["junior_result"] += rest
    pool.loans, pool.is_closed, pool.is_revolving = {}, True, False


def _forgive_interest(books: Books, holder: str) -> None:
    """Interest that cannot be paid any more is lost to the investors."""
    owed = -books.balances[holder, "senior_interest_payable"]
    books.entry(holder, "senior_interest_payable", "residual", owed)
    books.entry(INVESTORS, "losses", "senior_interest_receivable", owed)


def _value_junior(books: Books, pool: Pool, seller: Seller) -> None:
    """Write the junior piece down to what is left of it, or up again, to its nominal at most."""
    worth = books.fen(pool.holder, "money") + books.fen(pool.holder, "interest_receivable") + pool.principal
    worth -= books.owed_fen(pool.holder, "senior_interest_payable") + pool.senior
    value = 0 if pool.is_closed else min(max(worth, 0), pool.junior)
    books.entry(seller.lender_id, "junior_notes", "junior_result", (value - pool.book) * GRAINS_PER_FEN)
    seller.today["junior_result"] += value - pool.book
    pool.book = value


def expected_of(vehicle: Vehicle, expected: Mapping[str, int], whole: Mapping[str, int]) -> int:
    """Fen that the junior pieces are expected to lose: each pool's part of expected losses, up to its junior piece.

    Parameters
    ----------
    expected, whole : mapping of str to int
        Loss expected of all loans of a product, and their principal, whoever holds them.
    """
    return sum(
        min(pool.book, sum(expected[name] * fen // whole[name] for name, fen in pool.loans.items() if whole[name]))
        for pool in vehicle.open_pools
    )
