"""How a study looks on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim.app.show import console, new_table

if TYPE_CHECKING:
    from sim.study.findings import Sheet
    from sim.study.status import Status
    from sim.study.study import Study

_MOST_ROWS = 60


def print_study(study: Study) -> None:
    """Print the findings as a table, then the answer in words."""
    out, plan = console(), study.plan
    title = plan.file.about.title or plan.name
    n_points, n_worlds = len(study.measured.points), len(study.measured.seeds)
    points = f"{n_points} {'arms' if plan.file.kind == 'compare' else 'points'} in " if n_points else ""
    out.print(f"{title}: {plan.file.kind}, {points}{n_worlds} worlds")
    sheet = study.sheet
    if sheet is not None:
        _print_sheet(sheet)
    out.print(study.verdict())
    for note in study.notes:
        out.print(f"\n{note}")


def _print_sheet(sheet: Sheet) -> None:
    table = new_table(*sheet.heads, numbers=sheet.numbers)
    for column in table.columns:
        column.no_wrap = False
    for line in sheet.lines[:_MOST_ROWS]:
        table.add_row(*line)
    console().print(table)
    if len(sheet.lines) > _MOST_ROWS:
        console().print(f"{len(sheet.lines) - _MOST_ROWS:,} more lines stand on the page.\n")


def print_statuses(found: Sequence[Status]) -> None:
    """Print a line for each study."""
    table = new_table("folder", "kind", "state", "done", "failed", "of", "other code", numbers=(3, 4, 5, 6))
    for one in found:
        table.add_row(
            str(one.folder),
            one.kind,
            one.state,
            f"{one.done:,}",
            f"{one.failed:,}",
            f"{one.runs:,}",
            f"{one.of_other_code:,}",
        )
    console().print(table)
    for one in found:
        if one.problem:
            console().print(one.problem)
