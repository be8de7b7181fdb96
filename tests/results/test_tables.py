"""Tables: in order, merged in equal pieces, refused when they do not fit together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from paper_run import manifest, scenario, twelve_run, twelve_tables

from sim.errors import StoreError
from sim.results.run import Run
from sim.results.store import RunFolder
from sim.results.tables import as_arrow, in_order


def test_tables_are_stored_in_their_order(tmp_path: Path) -> None:
    tables = twelve_tables()
    shuffled = np.random.default_rng(3).permutation(12)
    tables["loans"] = tables["loans"].take(shuffled)
    tables["applications"] = pa.table(
        {
            "date": pa.array([20, 10, 20, 10, 20], pa.int32()).cast(pa.date32()),
            "lender": pa.array(["b", "b", "a", "a", "a"]).dictionary_encode(),
            "merchant_id": [1, 1, 7, 9, 7],
            "product": ["x", "x", "y", None, "x"],
        }
    )
    in_memory = Run.from_tables(tables, manifest(), scenario())
    saved = in_memory.save(tmp_path / "run")
    for run in (in_memory, saved):
        assert run.loans["loan_id"].tolist() == list(range(1, 13))
        assert run.applications["lender"].tolist() == ["a", "b", "a", "a", "b"]
        assert run.applications["product"].tolist()[2:] == ["x", "y", "x"]
        assert run.applications["product"].isna().tolist() == [True, False, False, False, False]
    table = as_arrow(in_memory.table("daily"))
    assert in_order(table, "daily") is table


def test_columns_that_change_between_checkpoints_are_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.begin(manifest())
    folder.save_checkpoint({"daily": {"date": np.arange(2), "note": pa.nulls(2)}}, {}, {})
    with pytest.raises(StoreError, match="table daily: the columns changed between two checkpoints"):
        folder.finish({"daily": {"date": np.arange(2)}}, "", manifest())
    with pytest.raises(StoreError, match="table daily: column date changed its type"):
        folder.finish({"daily": {"date": np.arange(2.0), "note": pa.nulls(2)}}, "", manifest())
    done = folder.finish({"daily": {"date": np.arange(2, 4), "note": np.array([1, 2])}}, "", manifest())
    assert done.table("daily").to_pydict() == {"date": [0, 1, 2, 3], "note": [None, None, 1, 2]}


def test_tables_and_columns_that_are_not_there_are_named(tmp_path: Path) -> None:
    run = twelve_run().save(tmp_path / "seed=1")  # a name that looks like a partition of a data set
    assert "seed" not in run.loans.columns
    with pytest.raises(StoreError, match="no table 'transactions'; it has applications, daily"):
        run.table("transactions")
    with pytest.raises(StoreError, match=r"cannot read daily: .*colour"):
        run.table("daily", ["date", "colour"])
    (run.path / "merchants.parquet").unlink()
    with pytest.raises(StoreError, match="cannot read merchants"):
        run.merchants  # noqa: B018
