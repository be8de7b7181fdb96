"""The merchant columns: name, dtype, unit, owner, who may see them; and the read-only view of a policy.

Merchants are columns, not objects: an object a merchant costs about a hundred times more a day. A column has one
owner, the module whose rules write it. Money held in kernels is whole fen in float64 (exact below 2^53); what is not
booked (rates, means, goods) is float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from sim.errors import PolicyError

PLATFORMS = ("taobao", "tmall", "b2b")
INTEGRITY = ("honest", "opportunist", "fraudster")
HONEST, OPPORTUNIST, FRAUDSTER = range(3)

# Life of a merchant in the run.
WAITING, OPEN, CLOSING, CLOSED = range(4)

# Stages of the chain that carries shipped orders from shipping to the buyer's confirmation.
STAGES = 4


@dataclass(frozen=True)
class Column:
    """One declared column: what it means, who writes it, who may see it."""

    name: str
    dtype: str
    unit: str
    owner: str
    doc: str
    shape: int = 1  # values a merchant


def _columns(*rows: tuple[str, str, str, str, str] | tuple[str, str, str, str, str, int]) -> dict[str, Column]:
    return {row[0]: Column(*row) for row in rows}


# What a merchant is, drawn once at birth; hidden from lenders.
TRAITS: Mapping[str, Column] = _columns(
    ("merchant_id", "int32", "id", "world.birth", "entity id of all draws; a column, never a row position"),
    ("platform", "int8", "code", "world.birth", "taobao, tmall or b2b"),
    ("category", "int8", "code", "world.birth", "trade the shop is in"),
    ("region", "int8", "code", "world.birth", "region of the business"),
    ("integrity", "int8", "code", "world.birth", "honest, opportunist or fraudster"),
    ("opened_day", "int16", "day number", "world.birth", "day the shop opened on the platform"),
    ("entry_day", "int16", "day number", "world.birth", "day the merchant enters the simulated market"),
    ("base_orders", "float32", "orders/day", "world.birth", "mean demand at average season, reputation and shock"),
    ("order_value", "float32", "fen", "world.birth", "value of one order, whole fen"),
    ("margin", "float32", "share", "world.birth", "gross margin on sales value"),
    ("fixed_cost", "float32", "fen/day", "world.birth", "rent, wages and the owner's living, whole fen"),
    ("growth", "float32", "1/year", "world.birth", "own trend of demand, linear, as a share of the start"),
    ("volatility", "float32", "log", "world.birth", "standard deviation of the own demand shock"),
    ("promotion_fit", "float32", "share", "world.birth", "how much of a promotion's lift the shop gets"),
    ("lead_days", "float32", "days", "world.birth", "mean days from buying stock to having it"),
    ("cover_days", "float32", "days", "world.birth", "days of sales the shop wants in stock beyond the lead time"),
    ("quality", "float32", "z-score", "world.birth", "hidden quality of goods and service"),
    ("return_rate", "float32", "share", "world.birth", "share of shipped value that buyers send back"),
    ("wash", "float32", "share", "world.birth", "faked sales as a share of own daily sales"),
    ("advertising", "float32", "share", "world.birth", "advertising as a share of sales, on an ordinary day"),
    ("off_platform", "float32", "share", "world.birth", "usual share of sales outside the platform, paid at once"),
    ("habit", "float32", "1/day", "world.birth", "chance a day that the merchant thinks of borrowing"),
    ("bother", "float32", "fen", "world.birth", "what one application costs the merchant in trouble"),
    ("price_sensitivity", "float32", "1", "world.birth", "weight of the price against the gain of a loan"),
    ("kappa", "float32", "1", "world.birth", "weight of the shop's future in the will to repay"),
    ("patience", "float32", "1", "world.birth", "own capital left in the shop over the working capital it needs"),
    ("bust_day", "int16", "day number", "world.birth", "day a fraudster strikes; far away for all others"),
)

# What changes from day to day.
STATE: Mapping[str, Column] = _columns(
    ("status", "int8", "code", "world.exits", "waiting, open, closing or closed"),
    ("closed_day", "int16", "day number", "world.exits", "day of the last closing, 0 if never"),
    ("reopen_day", "int16", "day number", "world.exits", "day a closed shop comes back, 0 if it will not"),
    ("shock", "float32", "z-score", "world.sales", "autocorrelated own demand shock, unit variance"),
    ("luck", "float32", "z-score days", "world.sales", "sum of the own demand shocks since entry, alive or not"),
    ("stock", "float32", "orders", "world.cash", "goods at hand, in orders' worth"),
    ("on_order", "float32", "orders", "world.cash", "goods bought and not yet here, by stage", 2),
    ("shipped", "float64", "fen", "world.sales", "shipped and unconfirmed value not pledged, by stage", STAGES),
    ("wallet", "float64", "fen", "world.cash", "money the merchant holds"),
    ("arrears", "float64", "fen", "world.cash", "fixed costs due and unpaid"),
    ("outside_debt", "float64", "fen", "world.cash", "owed to family and informal lenders"),
    ("shortage", "float32", "fen", "world.cash", "money missing today for stock and costs"),
    ("gain", "float32", "1/day", "world.demand", "what one more yuan in stock gains, per yuan and day"),
    ("flags", "uint8", "bits", "engine.day.plan", "what is rare: asks, leaves, sells off, comes tomorrow"),
    ("reputation", "float32", "1", "world.sales", "shown rating, mean 1"),
    ("demand_mean", "float32", "orders/day", "world.sales", "own forecast of demand, season taken out"),
    ("sales_mean_7d", "float32", "fen/day", "world.sales", "exponentially weighted recorded sales, 7 days"),
    ("sales_mean_30d", "float32", "fen/day", "world.sales", "exponentially weighted recorded sales, 30 days"),
    ("sales_mean_90d", "float32", "fen/day", "world.sales", "exponentially weighted recorded sales, 90 days"),
    ("sales_variance_30d", "float32", "fen^2/day^2", "world.sales", "exponentially weighted variance of daily sales"),
    ("returns_mean_30d", "float32", "fen/day", "world.sales", "exponentially weighted refunds, 30 days"),
    ("advertising_mean_30d", "float32", "fen/day", "world.advertising", "exponentially weighted advertising, 30 days"),
    ("advertising_mean_90d", "float32", "fen/day", "world.advertising", "the same over 90 days"),
    ("promotion", "uint8", "bits", "world.promotions", "means to join the next promotion; was admitted to the latest"),
    ("spell", "int8", "days", "world.spells", "days left of a rest (below zero) or of a hot product (above)"),
    ("wash_level", "uint8", "per cent", "world.wash", "fake orders over the shop's habit"),
    ("retreat", "uint8", "per cent", "world.elsewhere", "how far the owner has turned away from the platform"),
    ("sales_total", "float64", "fen", "world.sales", "true sales since entry"),
    ("lost_total", "float32", "fen", "world.sales", "demand lost for want of stock since entry"),
    ("days_in_debt", "int16", "days", "lenders", "days with any principal owed"),
    ("n_loans", "int16", "count", "lenders", "loans taken so far; numbers the next one"),
    ("last_loan_day", "int16", "day number", "lenders", "day of the latest loan, 0 if none"),
)

# What one lender knows and has promised of a merchant: a block of these for every lender.
LENDER_BLOCK: Mapping[str, Column] = _columns(
    ("is_visible", "bool", "yes/no", "lenders", "the lender's entry is shown to the merchant"),
    ("limit_fen", "int32", "fen", "lenders", "credit line offered"),
    ("offer_until", "int16", "day number", "lenders", "last day of the offer, 0 if none"),
    ("refused_until", "int16", "day number", "lenders", "last day on which a refused merchant does not ask again"),
    ("exposure_fen", "int32", "fen", "lenders", "principal owed to this lender"),
    ("line_fen", "int32", "fen", "lenders", "principal owed to this lender on its credit limit"),
    ("n_open", "int16", "count", "lenders", "loans open with this lender"),
    ("n_repaid", "int16", "count", "lenders", "loans paid off cleanly to this lender"),
    ("dpd", "int16", "days", "lenders", "days past due with this lender today"),
    ("worst_dpd", "int16", "days", "lenders", "worst days past due ever with this lender"),
    ("first_loan_day", "int16", "day number", "lenders", "day of the first loan from this lender, 0 if none"),
    ("is_flagged", "bool", "yes/no", "lenders", "this lender found sales that look faked"),
    ("is_pending", "bool", "yes/no", "lenders", "an application waits for this lender's people"),
    ("cut_until", "int16", "day number", "lenders", "last day on which the limit is cut after a warning, 0 if none"),
)

# What a policy may ask to see. The engine computes a column only for the policies that declare it.
OBSERVABLE: Mapping[str, Column] = _columns(
    ("tenure_days", "float32", "days", "engine", "days since the shop opened"),
    ("platform", "int8", "code", "engine", "0 taobao, 1 tmall, 2 b2b"),
    ("category", "int8", "code", "engine", "trade"),
    ("region", "int8", "code", "engine", "region"),
    ("sales_mean_7d", "float32", "fen/day", "engine", "recorded platform sales, exponentially weighted, 7 days"),
    ("sales_mean_30d", "float32", "fen/day", "engine", "the same over 30 days"),
    ("sales_mean_90d", "float32", "fen/day", "engine", "the same over 90 days"),
    ("sales_deviation_30d", "float32", "fen/day", "engine", "standard deviation of recorded daily sales"),
    ("orders_mean_30d", "float32", "orders/day", "engine", "recorded orders, exponentially weighted, 30 days"),
    ("order_value_fen", "float32", "fen", "engine", "mean value of a recorded order"),
    ("return_rate", "float32", "share", "engine", "refunds over sales, 30 days"),
    ("reviews", "float32", "1", "engine", "shown rating, 1 is average"),
    ("traffic", "float32", "visits/day", "engine", "visits to the shop"),
    ("advertising_mean_30d", "float32", "fen/day", "engine", "advertising spent on the platform, 30 days"),
    ("advertising_mean_90d", "float32", "fen/day", "engine", "the same over 90 days"),
    ("escrow_fen", "int64", "fen", "engine", "shipped, unconfirmed and unpledged orders"),
    ("confirm_days", "float32", "days", "engine", "mean days from shipping to confirmation, from the flow"),
    ("buyer_concentration", "float32", "share", "engine", "share of sales with repeated buyers"),
    ("parcels", "float32", "share", "engine", "share of recorded orders that had a parcel"),
    ("off_platform_share", "float32", "share", "engine", "sales paid elsewhere, guessed from the wallet"),
    ("category_pace", "float32", "1", "engine", "sales of the trade over 30 days by those over 90, season taken out"),
    ("season_index", "float32", "1", "engine", "calendar index of the category over the last 30 days, year mean 1"),
    ("season_index_90d", "float32", "1", "engine", "calendar index of the category over the last 90 days"),
    ("n_repaid", "int64", "count", "engine", "loans paid off cleanly to this lender"),
    ("n_open", "int64", "count", "engine", "loans open with this lender"),
    ("exposure_fen", "int64", "fen", "engine", "principal owed to this lender"),
    ("worst_dpd", "int64", "days", "engine", "worst days past due with this lender"),
    ("dpd", "int64", "days", "engine", "days past due with this lender today"),
    ("days_since_first_loan", "int64", "days", "engine", "since the first loan from this lender, -1 if none"),
    ("limit_fen", "int64", "fen", "engine", "the limit now offered"),
    ("is_flagged", "int64", "yes/no", "engine", "whether this lender has found sales that look faked"),
    ("is_cut", "int64", "yes/no", "engine", "whether this lender has cut the limit after a warning"),
    ("bureau_worst_dpd", "int64", "days", "engine", "worst days past due with any lender, as the bureau tells it"),
    # Signals: there for a lender that buys them (`sim.lenders.signal_terms`), and only to decide.
    ("psychometric", "float32", "1", "engine", "bought: concealment that a test finds, 0 to 1; 0.5 if not bought yet"),
    ("tax_sales", "float32", "fen/day", "engine", "bought: sales wherever paid, from tax and customs papers, 90 days"),
    ("declared_sales", "float32", "fen/day", "engine", "bought: the same as the merchant declares them"),
    ("site_visit", "float32", "share", "engine", "bought: share of recorded orders whose goods a visitor finds"),
)
SIGNALS = ("psychometric", "tax_sales", "declared_sales", "site_visit")

# Columns that earlier steps of the same decision have made: seen by the kinds of policy that come after them.
DECIDED: Mapping[str, Column] = _columns(
    ("score", "float64", "probability", "lenders", "score of this decision"),
    ("limit_fen", "int64", "fen", "lenders", "limit of this decision"),
    ("loan_days", "int64", "days", "lenders", "days since the loan was paid out (monitoring: the oldest on the limit)"),
    ("traced_share", "float32", "share", "lenders", "of the latest loan on the limit: seen to go into the shop"),
    ("balance_fen", "int64", "fen", "lenders", "principal outstanding of the loan (monitoring: of all on the limit)"),
    ("due_fen", "int64", "fen", "lenders", "what is due of the loan, or is next"),
    ("days_past_due", "int64", "days", "lenders", "of the loan; below zero, days until it is due"),
)


class View:
    """What a policy is given: read-only columns it has declared, and a coin.

    Parameters
    ----------
    columns : mapping of str to ndarray (n,)
        Observable columns; more than are declared may be there, only declared ones are given out.
    needs : sequence of str
        The names the policy has declared.
    ids : ndarray (n,) of int64
        Merchant ids, which key the coin; a policy does not see them.
    seed, day : int
        Seed of the run and day number, which key the coin.
    """

    __slots__ = ("_columns", "_day", "_ids", "_needs", "_seed", "n")

    def __init__(
        self,
        columns: Mapping[str, npt.NDArray[Any]],
        needs: Sequence[str],
        ids: npt.NDArray[np.int64],
        seed: int = 0,
        day: int = 0,
    ) -> None:
        self.n = int(ids.size)
        self._ids, self._seed, self._day = ids, seed, day
        self._needs = tuple(needs)
        self._columns: dict[str, npt.NDArray[Any]] = {}
        for name in self._needs:
            if name not in OBSERVABLE and name not in DECIDED:
                raise PolicyError(f"there is no observable column {name!r}; a policy may see: {', '.join(OBSERVABLE)}")
            # a view of read-only memory cannot be made writable again
            self._columns[name] = np.asarray(memoryview(cast(Any, columns[name])).toreadonly())

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        try:
            return self._columns[name]
        except KeyError:
            if name in OBSERVABLE or name in DECIDED:
                raise PolicyError(
                    f"column {name!r} is used but not declared; add it to `needs` (declared: {', '.join(self._needs)})"
                ) from None
            raise PolicyError(
                f"there is no observable column {name!r}; a policy may see: {', '.join(OBSERVABLE)}"
            ) from None

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def coin(self, k: int = 0) -> npt.NDArray[np.float64]:
        """Uniforms on (0, 1), shape (n,): the only luck a policy may have, the same for a merchant, day and k."""
        from sim.core import draws

        return draws.uniform(self._seed, "policy.coin", self._day, self._ids, k)


class Merchants:
    """All merchants of a market as columns; an attribute for every trait, state and lender column.

    Lender columns are two-dimensional, ``(n_lenders, n)``; stage columns ``(stages, n)``; the rest ``(n,)``.
    """

    def __init__(self, n: int, n_lenders: int) -> None:
        self.n = n
        self.n_lenders = n_lenders
        self.lender: dict[str, npt.NDArray[Any]] = {}
        room = iter(_one_block([*_shapes(n), *_lender_shapes(n, n_lenders)]))
        for column in (*TRAITS.values(), *STATE.values()):
            setattr(self, column.name, next(room))
        for column in LENDER_BLOCK.values():
            self.lender[column.name] = next(room)

    def part(self, rows: slice) -> Any:
        """Trait and state columns of some rows, as views with the same names; ``n`` is how many rows there are."""
        own = {name: getattr(self, name)[..., rows] for name in (*TRAITS, *STATE)}
        return SimpleNamespace(n=own["merchant_id"].size, **own)

    def __getattr__(self, name: str) -> npt.NDArray[Any]:  # declared for the type checker; set in __init__
        raise AttributeError(f"no merchant column {name!r}")

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Every column by name, the arrays themselves: for checkpoints. Lender columns as ``lender.NAME``."""
        own = {name: getattr(self, name) for name in (*TRAITS, *STATE)}
        return own | {f"lender.{name}": block for name, block in self.lender.items()}

    def visit(self, change: Callable[[str, npt.NDArray[Any]], None]) -> None:
        """Call ``change(name, array)`` for every column, in the declared order."""
        for name, array in self.columns().items():
            change(name, array)


_Shape = tuple[tuple[int, ...], np.dtype[Any]]
_LINE = 64  # bytes of a cache line


def _shapes(n: int) -> list[_Shape]:
    columns = (*TRAITS.values(), *STATE.values())
    return [((n,) if one.shape == 1 else (one.shape, n), np.dtype(one.dtype)) for one in columns]


def _lender_shapes(n: int, n_lenders: int) -> list[_Shape]:
    return [((n_lenders, n), np.dtype(one.dtype)) for one in LENDER_BLOCK.values()]


def _one_block(shapes: Sequence[_Shape]) -> list[npt.NDArray[Any]]:
    """Arrays of zeros that lie together in one block, each from a cache line of its own on.

    One block is given back to the system whole, and is large enough for large pages; a line lies between two columns,
    lest columns of a round number of merchants compete for the same places of the cache.
    """
    sizes = [int(np.prod(shape)) * dtype.itemsize for shape, dtype in shapes]
    ends = np.cumsum([(size // _LINE + 2) * _LINE for size in sizes]) if sizes else np.zeros(1, np.int64)
    block = np.zeros(int(ends[-1]) + _LINE, np.uint8)
    first = -block.ctypes.data % _LINE
    starts = [first, *(first + ends[:-1]).tolist()]
    return [
        block[start : start + size].view(dtype).reshape(shape)
        for start, size, (shape, dtype) in zip(starts, sizes, shapes, strict=True)
    ]
