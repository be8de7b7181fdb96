"""Merchants fitted to a user's own orders: what is estimated, how surely, and what orders do not tell.

- ``read`` and ``dates`` clean a file of orders; ``shops`` measures each shop, ``common`` and ``promotions`` what all
  share
- ``direct`` reads some parameters off the data; ``paired`` names the moments that set the others, ``simulate`` lets
  shops live, ``adjust`` moves the parameters; ``resample`` gives standard errors
- ``judged`` lays all moments side by side; ``run`` is the fit from end to end, ``estimates`` what it gives
- ``scenario_file`` writes the scenario, ``page``, ``pictures`` and ``curves`` the page
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import Issue, ScenarioError

if TYPE_CHECKING:
    from sim.study.fit.estimates import Fit

__all__ = ["Written", "fit_orders"]


@dataclass(frozen=True)
class Written:
    """A fit, the scenario and the page it was written to, and the base that was copied beside it, if one was."""

    fit: Fit
    scenario: Path
    page: Path
    copied: Path | None


def fit_orders(
    orders: Path,
    out: Path,
    columns: Mapping[str, str] | None = None,
    value: float | None = None,
    values: Path | None = None,
    merchants: int = 2_000,
    seed: int = 1,
    tell: Callable[[int, int], None] | None = None,
) -> Written:
    """Fit the merchants' side of a scenario to a file of orders; write the scenario and its page.

    Parameters
    ----------
    out
        The scenario to write, which must not be there; the page is written beside it, as ``NAME_fit.html``.
    columns, value, values, merchants
        As in `sim.study.fit.read.read`.
    tell
        Called with steps done and all steps.

    Raises
    ------
    ScenarioError
        If the file of orders is refused, or the scenario cannot be where it is to be written.
    """
    from sim.study.fit.page import write_page
    from sim.study.fit.read import read
    from sim.study.fit.run import fit
    from sim.study.fit.scenario_file import BASE, find_base, write_scenario

    page = out.with_name(f"{out.stem}_fit.html")
    _refuse_place(out, page)
    base, copies = find_base(out)
    observed = read(orders, columns, value, values, merchants, seed)
    found = fit(observed, base, seed, tell)
    write_scenario(found, out, orders.name, base, copies)
    write_page(found, page, orders.name)
    return Written(found, out, page, out.parent / BASE if copies else None)


def _refuse_place(out: Path, page: Path) -> None:
    """Refuse a place where a scenario cannot be written, before the work is done."""
    issues = []
    if out.suffix not in (".yaml", ".yml"):
        issues.append(Issue(str(out), 1, 1, "--out", "not the name of a scenario", "a .yaml file"))
    elif out.stem == "base":
        issues.append(Issue(str(out), 1, 1, "--out", "a scenario called base cannot extend base", "another name"))
    if not out.parent.is_dir():
        issues.append(Issue(str(out), 1, 1, "--out", f"there is no folder {out.parent}", "make it first"))
    issues += [
        Issue(str(one), 1, 1, "--out", "is already there; nothing was written", "another name, or remove it")
        for one in (out, page)
        if one.exists()
    ]
    if issues:
        raise ScenarioError(issues)
