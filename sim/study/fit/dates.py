"""The days of a file of orders, however they are written: text, numbers such as 20150731, times with a zone."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.errors import Issue, ScenarioError

_ZONE = r"(?<=\d)\s*(Z|UTC|[+-]\d{2}:?\d{2})$"
_SHORT = r"^\s*(\d{1,2})[/.](\d{1,2})[/.]\d{4}"  # day and month before the year
FIRST, LAST = "2000-01-01", "2040-12-31"  # what the calendar of a scenario can hold


def read_days(file: str, column: str, written: Any) -> tuple[Any, Any, list[str]]:
    """Read a column of dates or times.

    A zone is left off: the day is the one on the clock that wrote it.

    Returns
    -------
    tuple
        Times as a pandas Series without zone (NaT where not readable), the same cut to days, and notes.

    Raises
    ------
    ScenarioError
        If the column holds numbers that are no dates.
    """
    import pandas as pd

    notes: list[str] = []
    if pd.api.types.is_numeric_dtype(written) and written.notna().any():
        known = written.dropna()
        if not known.between(20000101, 20401231).all():
            problem = f"numbers, where dates are wanted: {known.iloc[0]}"
            raise ScenarioError([Issue(file, 2, 1, column, problem, "as in 2015-07-31 or 20150731")])
        times = pd.to_datetime(written.astype("Int64").astype("string"), format="%Y%m%d", errors="coerce")
    elif pd.api.types.is_datetime64_any_dtype(written):
        times = written
        if getattr(times.dt, "tz", None) is not None:
            notes.append(f"{column}: times of zone {times.dt.tz}; a day is a day of that zone")
            times = times.dt.tz_localize(None)
    else:
        times = _from_text(column, written, notes)
    return times, times.dt.normalize(), notes


def _from_text(column: str, written: Any, notes: list[str]) -> Any:
    import pandas as pd

    text = written.astype("string").str.strip()
    has_time = text.str.contains(":", regex=False).fillna(False)
    zones = text.where(has_time).str.extract(_ZONE, expand=False).dropna()
    if len(zones):
        text = text.where(~has_time, text.str.replace(_ZONE, "", regex=True))
        many = zones.nunique()
        said = f"zone {zones.iloc[0]}" if many == 1 else f"{many} zones"
        notes.append(f"{column}: {len(zones):,} times with {said}; the day is the one written, no time was shifted")
    parts = text.str.extract(_SHORT).astype("Float64")
    is_day_first = bool((parts[0] > 12).any())
    if parts[0].notna().any():
        sure = is_day_first or bool((parts[1] > 12).any())
        order = "day before month" if is_day_first else "month before day"
        notes.append(f"{column}: dates with slashes or dots are read {order}{'' if sure else ', which is a guess'}")
    return pd.to_datetime(text, errors="coerce", format="mixed", dayfirst=is_day_first)


def is_far(days: Any) -> Any:
    """Which rows lie far from the others, (n,) bool: fewer than 1 % of all, more than 60 days from the rest.

    A single wrong year would otherwise stretch the calendar.
    """
    numbers = days.to_numpy("datetime64[D]").astype(np.int64)
    if numbers.size == 0:
        return np.zeros(0, bool)
    there, count = np.unique(numbers, return_counts=True)
    part = np.concatenate([[0], np.cumsum(np.diff(there) > 60)])
    rows_of = np.bincount(part, count)
    few = rows_of < 0.01 * numbers.size
    return few[part[np.searchsorted(there, numbers)]]
