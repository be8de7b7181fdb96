"""Save and resume a run: the whole state of a market as plain tables and a few numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from sim.core.loanbook import LOAN_COLUMNS
from sim.engine.market import Market


def save(market: Market) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """The state of a market between two days.

    Returns
    -------
    tuple
        Tables of columns (stage and lender columns flattened as ``NAME.k``), and what goes into JSON.

    Raises
    ------
    BooksError
        If the books do not agree with the state, which is then not worth going on from.
    """
    market.count_books()
    merchants = {
        key: values
        for name, column in market.merchants.columns().items()
        for key, values in _flat(name, column)
    }
    loans = {
        key: values
        for name, column in market.book.state().items()
        for key, values in _flat(name, column.T if column.ndim == 2 else column)
    }
    numbers = {
        "day_index": market.day_index,
        "books": market.books.state(),
        "counts": market.counts,
        "sharing": {name: sharing.state() for name, sharing in market.sharing.items()},
        "answers": dict(market.regulator.answers),
        "rush": [float(value) for value in market.rush],
        "written": sorted(market.recorder.written),
    }
    return {"merchants": pa.table(merchants), "loans": pa.table(loans)}, {"market": json.dumps(numbers)}


def restore(market: Market, tables: Mapping[str, pa.Table], progress: Mapping[str, Any]) -> None:
    """Make a fresh market the one whose state this is."""
    merchants = tables["merchants"]
    for name, column in market.merchants.columns().items():
        for key, part in _flat(name, column):
            part[:] = merchants.column(key).to_numpy()
    loans = tables["loans"]
    state: dict[str, Any] = {}
    for name, dtype, shape, _ in LOAN_COLUMNS:
        if shape == 1:
            state[name] = loans.column(name).to_numpy().astype(dtype)
        else:
            state[name] = np.stack([loans.column(f"{name}.{k}").to_numpy() for k in range(shape)], axis=1)
    market.book.restore(state)
    numbers = json.loads(progress["market"])
    market.books.restore(numbers["books"])
    market.counts.update(numbers["counts"])
    for name, kept in numbers["sharing"].items():
        market.sharing[name].restore(kept)
    market.regulator.answers.update(numbers["answers"])
    market.recorder.written.update(numbers["written"])
    market.rush[:] = np.array(numbers["rush"], np.float32)
    market.resume_at(numbers["day_index"])


def _flat(name: str, column: Any) -> list[tuple[str, Any]]:
    """A two-dimensional column as its rows, ``NAME.k``; views, so that they can be written to."""
    if column.ndim == 1:
        return [(name, column)]
    return [(f"{name}.{k}", column[k]) for k in range(column.shape[0])]
