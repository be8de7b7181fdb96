"""Asset-backed securities: pools of a lender's loans, who is paid in which order, and when a pool ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import mesa

INVESTORS = "securities investors"  # no id has a space, so that no lender can be called so


@dataclass
class Pool:
    """One issue of securities and the part of the lender's loans that it bought with the money; whole fen.

    Attributes
    ----------
    number : int
        Its place among the issues of its lender, from 1.
    ends : int
        Day number on which its revolving period is over.
    nominal, junior : int
        What was issued, and the junior piece of it, which the lender keeps.
    senior : int
        What the investors are still owed.
    ppm_year, days_in_year : int
        Interest of the senior piece.
    stop_at : int
        The revolving period ends early once loans and money are worth no more than this.
    products : tuple of str
        What it buys.
    loans : dict of str to int
        Principal that it holds, by product.
    book : int
        What the junior piece is worth in the lender's books.
    """

    number: int
    holder: str
    ends: int
    nominal: int
    junior: int
    senior: int
    ppm_year: int
    days_in_year: int
    stop_at: int
    products: tuple[str, ...]
    loans: dict[str, int] = field(default_factory=dict)
    book: int = 0
    is_revolving: bool = True
    is_closed: bool = False

    @property
    def principal(self) -> int:
        """Principal that it holds."""
        return sum(self.loans.values())

    def part_of(self, product: str, flows: Mapping[str, int], whole_fen: int) -> dict[str, int]:
        """Its part of a day's flows of one product, by its part of ``whole_fen``, the principal of the morning.

        Rounded down: what is left over stays with the lender. Interest given back to borrowers is the lender's gift.
        """
        own = self.loans.get(product, 0)
        if not own:
            return dict.fromkeys(flows, 0)
        part = {kind: amount * own // whole_fen for kind, amount in flows.items()}
        gone = (flows["principal_paid"] + flows["written_off"]) * own // whole_fen
        part["principal_paid"] = gone - part["written_off"]
        part["refunded"] = 0
        self.loans[product] = own - gone
        return part


@dataclass(frozen=True)
class Payments:
    """What a pool does with its money in an evening, fen."""

    interest: int = 0  # to the investors
    bought: int = 0  # principal bought of the lender
    senior: int = 0  # principal to the investors
    junior: int = 0  # to the lender, who holds the junior piece


def waterfall(pool: Pool, money: int, interest_owed: int, for_sale: int, accrued: int) -> Payments:
    """Who is paid what of a pool's money, in order.

    Senior interest first. While the pool revolves, new loans in place of those that were paid or lost, as far as the
    lender has them; then the junior piece gets what loans and money are worth beyond the nominal. Afterwards senior
    principal, and the junior piece gets nothing before it is paid.

    Parameters
    ----------
    money, interest_owed : int
        What the pool has, and owes of interest.
    for_sale, accrued : int
        The lender's own principal of the pool's products, and the interest accrued on it, which is paid for as well.
    """
    interest = min(money, interest_owed)
    money -= interest
    if not pool.is_revolving:
        return Payments(interest, senior=min(money, pool.senior))
    reach = money * for_sale // max(for_sale + accrued, 1)
    bought = max(min(pool.nominal - pool.principal, for_sale, reach), 0)
    money -= price(bought, for_sale, accrued)
    beyond = pool.principal + bought + money - pool.nominal
    return Payments(interest, bought, junior=max(min(beyond, money), 0))


def price(bought: int, for_sale: int, accrued: int) -> int:
    """Fen paid for principal: par, and the whole fen of interest accrued on it."""
    return bought + (max(accrued, 0) * bought // for_sale if for_sale else 0)


class Vehicle(mesa.Agent):  # type: ignore[misc]
    """The special-purpose vehicle of one lender: its pools, closed ones included."""

    def __init__(self, model: Any, lender_id: str) -> None:
        super().__init__(model)
        self.lender_id = lender_id
        self.pools: list[Pool] = []

    @property
    def open_pools(self) -> list[Pool]:
        """The pools that still hold loans."""
        return [pool for pool in self.pools if not pool.is_closed]

    @property
    def senior(self) -> int:
        """What all investors are owed, fen."""
        return sum(pool.senior for pool in self.open_pools)

    def balance(self, product: str) -> int:
        """Principal of a product in all pools, fen."""
        return sum(pool.loans.get(product, 0) for pool in self.open_pools)

    def new_pool(self, terms: Any, today: int) -> Pool:
        """Make the next pool, empty and with nothing issued yet, by the terms of ``securitisation`` of today."""
        number = len(self.pools) + 1
        junior = round(terms.size * terms.junior)
        senior = terms.size - junior
        pool = Pool(
            number=number,
            holder=f"securities {number} of {self.lender_id}",
            ends=today + terms.revolving,
            nominal=terms.size,
            junior=junior,
            senior=senior,
            ppm_year=terms.rate.ppm_year,
            days_in_year=terms.rate.days_in_year,
            stop_at=senior + round(junior * (1.0 - terms.stop)),
            products=tuple(terms.products),
        )
        self.pools.append(pool)
        return pool

    def state(self) -> list[dict[str, Any]]:
        """What a checkpoint keeps."""
        return [asdict(pool) for pool in self.pools]

    def restore(self, kept: list[dict[str, Any]]) -> None:
        """Become what `state` gave."""
        self.pools = [Pool(**(one | {"products": tuple(one["products"])})) for one in kept]
