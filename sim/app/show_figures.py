"""What a person sees of figures of merchants and of targets: tables on standard output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sim.app.show import console, new_table

if TYPE_CHECKING:
    from sim.study.moments import Moments
    from sim.study.targets import Verdict


def print_moments(source: str, found: Moments) -> None:
    """Print the figures of merchants, one a line, to four digits; then what the input does not give, and why."""
    out = console()
    print(f"{source}: figures of merchants (docs/moments.md says what each is)")
    for note in found.notes:
        out.print(note)
    table = new_table("", "", numbers=())
    table.columns[1].no_wrap = False
    table.show_header = False
    for name, value in found.figures.items():
        if value is None:
            continue
        if isinstance(value, dict) and any(isinstance(inner, dict | list) for inner in value.values()):
            table.add_row(name, "")
            for key, inner in value.items():
                table.add_row(f"  {key}", _short(inner))
        else:
            table.add_row(name, _short(value))
    out.print(table)
    reasons: dict[str, list[str]] = {}
    for name, reason in found.reasons.items():
        reasons.setdefault(reason, []).append(name)
    for reason, names in reasons.items():
        out.print(f"not in this input: {', '.join(names)} ({reason})")


def _short(value: Any) -> str:
    """A figure in a line: four digits, lists and mappings on one line."""
    if isinstance(value, Mapping):
        return "  ".join(f"{key} {_short(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return "  ".join(map(_short, value))
    if value is None:
        return "none"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def print_targets(verdict: Verdict) -> None:
    """Print every target with its band, the mean over the seeds and its interval, and how many passed."""
    from sim.study.targets import say

    table = new_table("", "what", "value", "band", "95 % interval", "kind", "", numbers=(2,))
    for row in verdict.rows:
        low, high = say(row.target.low, row.unit), say(row.target.high, row.unit)
        band = f"{low} to {high}" if low and high else f"from {low}" if low else f"to {high}"
        interval = "" if row.low is None else f"{say(row.low, row.unit)} to {say(row.high, row.unit)}"
        what = row.target.what or row.target.figure
        said = "passes" if row.passed else "FAILS"
        table.add_row(row.id, what, say(row.value, row.unit) or "not defined", band, interval, row.target.kind, said)
    out = console()
    out.print(table)
    (hard, n_hard), (soft, n_soft) = verdict.hard, verdict.soft
    seeds = "one seed" if verdict.n_seeds == 1 else f"means over {verdict.n_seeds} seeds"
    out.print(
        f"{hard} of {n_hard} hard targets pass, {soft} of {n_soft} soft ones (at least {verdict.soft_share:.0%} must); "
        f"{seeds}, at scale {verdict.scale:g}, brought to full scale"
    )
