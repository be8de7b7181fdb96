"""Save and resume a run: the whole state of a market as plain tables and a few numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from sim.engine.after.cases import CASE
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
    loans: dict[str, Any] = {}
    schedules: dict[str, Any] = {}
    for name, column in market.book.state().items():
        of = schedules if name.startswith("schedule.") else loans
        of.update(_flat(name, column.T if column.ndim == 2 else column))
    numbers = {
        "day_index": market.day_index,
        "books": market.books.state(),
        "counts": market.counts,
        "sharing": {name: sharing.state() for name, sharing in market.sharing.items()},
        "answers": dict(market.regulator.answers),
        "penalties": market.regulator.penalties,
        "standing": market.standing,
        "at_work": {name: [column.tolist() for column in pair] for name, pair in market.at_work.items()},
        "rush": [float(value) for value in market.rush],
        "written": sorted(market.recorder.written),
    }
    cases = {name: market.cases[name].copy() for name in CASE.names or ()}
    tables = {"merchants": merchants, "loans": loans, "schedules": schedules, "cases": cases}
    return {name: pa.table(columns) for name, columns in tables.items()}, {"market": json.dumps(numbers)}


def restore(market: Market, tables: Mapping[str, pa.Table], progress: Mapping[str, Any]) -> None:
    """Make a fresh market the one whose state this is."""
    merchants = tables["merchants"]
    for name, column in market.merchants.columns().items():
        for key, part in _flat(name, column):
            part[:] = merchants.column(key).to_numpy()
    market.book.restore(_read(tables["loans"]) | _read(tables["schedules"]))
    numbers = json.loads(progress["market"])
    market.books.restore(numbers["books"])
    market.counts.update(numbers["counts"])
    for name, kept in numbers["sharing"].items():
        market.sharing[name].restore(kept)
    market.regulator.answers.update(numbers["answers"])
    market.regulator.penalties.update({key: tuple(told) for key, told in numbers["penalties"].items()})
    market.recorder.written.update(numbers["written"])
    market.standing.update(numbers["standing"])
    for name, (team, until) in numbers["at_work"].items():
        market.at_work[name] = np.array(team, np.int64), np.array(until, np.float64)
    market.cases = np.zeros(tables["cases"].num_rows, CASE)
    for name in CASE.names or ():
        market.cases[name] = tables["cases"].column(name).to_numpy()
    market.rush[:] = np.array(numbers["rush"], np.float32)
    market.resume_at(numbers["day_index"])


def _flat(name: str, column: Any) -> list[tuple[str, Any]]:
    """A two-dimensional column as its rows, ``NAME.k``; views, so that they can be written to."""
    if column.ndim == 1:
        return [(name, column)]
    return [(f"{name}.{k}", column[k]) for k in range(column.shape[0])]


def _read(table: pa.Table) -> dict[str, Any]:
    """The columns of a table; those called ``NAME.k`` together as ``NAME``, an array of two dimensions."""
    found: dict[str, Any] = {}
    for key in table.column_names:
        name, _, place = key.rpartition(".")
        if place.isdigit():
            found.setdefault(name, []).append(table.column(key).to_numpy())
        else:
            found[key] = table.column(key).to_numpy()
    return {name: np.stack(part, axis=1) if isinstance(part, list) else part for name, part in found.items()}
