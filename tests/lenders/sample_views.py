"""Views for the tests of policies: ordinary merchants, with the columns that a test is about written over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from sim.core.merchants import View
from sim.lenders.policy import Answer, Context, Product, decide, load_policy
from sim.lenders.trial_merchants import ordinary

ORDER_LOAN = Product("order_loan", 182_500, 365, 30)
LINE = Product("revolving_line", 219_000, 365, 180)
YUAN = 100


def a_context(*products: Product, lender: str = "ali") -> Context:
    return Context(date(2012, 1, 1), 4383, lender, products or (ORDER_LOAN, LINE), 10**11, 10**8)


def a_view(needs: Sequence[str], n: int = 1, **columns: Any) -> View:
    """Show ``n`` merchants; every column not named in ``columns`` is that of an ordinary merchant."""
    batch = ordinary(0).rows(np.zeros(n, np.int64))
    shown = dict(batch.columns)
    for name, values in columns.items():
        shown[name] = np.broadcast_to(np.asarray(values), n).astype(shown[name].dtype)
    return View(shown, needs, np.arange(n) * 17 + 5, 1, 4383)


def ask(
    kind: str, policy: str, context: Context | None = None, *, n: int = 1, given: Any = None, **columns: Any
) -> Answer:
    """Make a built-in policy with the parameters ``given``, and ask it about ``n`` merchants."""
    made = load_policy(kind, policy, given or {})
    return decide(made, kind, a_view(made.needs, n, **columns), context or a_context())
