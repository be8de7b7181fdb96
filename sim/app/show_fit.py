"""What a person and a machine see of a fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.app.show import console, new_table

if TYPE_CHECKING:
    from sim.study.fit import Written


def print_fit(written: Written) -> None:
    """Print the estimates, the moments that are missed, what the file is like, and where the results lie."""
    import math

    fit, out = written.fit, console()
    for note in fit.notes:
        out.print(note)
    table = new_table("parameter", "value", "s.e.", "method", "how", numbers=(1, 2))
    table.columns[4].no_wrap = False
    for one in fit.estimates:
        error = f"{one.error:.3g}" if math.isfinite(one.error) else ""
        table.add_row(one.key, str(one.written()), error, one.method, one.says)
    out.print(table)
    for event in fit.common.promotions:
        span = f"{event.first}, {event.days} day{'s' if event.days > 1 else ''}"
        out.print(f"event {event.name}: {span}: lift {event.lift:.2f}, s.e. {event.error:.2f}; {event.says}")
    missed = [one for one in fit.judged if not one.is_met]
    if missed:
        table = new_table("moments that are missed", "real", "simulated", "noise", "why", numbers=(1, 2, 3))
        for gap in missed:
            table.add_row(gap.name, f"{gap.real:.4g}", f"{gap.simulated:.4g}", f"{gap.noise:.2g}", gap.about)
        out.print(table)
    out.print(
        f"{fit.n_met} of {len(fit.judged)} moments are met (within 15 %, or twice the noise of the data); "
        + ("the search came" if fit.is_converged else "the search did NOT come")
        + " within one standard error of every moment that sets a parameter"
    )
    out.print(f"not told by orders: {', '.join(fit.left)}; they keep the values of base (the page says why)")
    if written.copied is not None:
        print(f"Base:     {written.copied} (copied, as the scenario extends it)")
    print(f"Scenario: {written.scenario}\nPage:     {written.page}")


def as_dict(written: Written) -> dict[str, Any]:
    """The figures of a fit for machines."""
    fit = written.fit
    return {
        "summary": {
            "n_merchants": fit.observed.n_merchants,
            "n_days": fit.observed.days.n_days,
            "rows_read": fit.observed.rows_read,
            "rows_dropped": dict(fit.observed.dropped),
            "converged": fit.is_converged,
            "moments": len(fit.judged),
            "moments_met": fit.n_met,
        },
        "rows": [
            {"parameter": one.key, "value": one.value, "standard_error": one.error, "method": one.method,
             "how": one.says}
            for one in fit.estimates
        ],
        "promotions": [
            {"name": one.name, "date": one.first.isoformat(), "days": one.days, "lift": one.lift,
             "standard_error": one.error, "how": one.says}
            for one in fit.common.promotions
        ],
        "setting_moments": [
            {"parameter": key, "moment": says, "real": real, "simulated": simulated, "standard_error": error}
            for key, says, real, simulated, error in fit.gaps
        ],
        "moments": [
            {"moment": one.name, "group": one.group, "real": one.real, "simulated": one.simulated, "noise": one.noise,
             "met": one.is_met}
            for one in fit.judged
        ],
        "not_identified": dict(fit.left),
        "about_run": {
            "notes": list(fit.notes),
            "seed": fit.seed,
            "merchants_looked_at": fit.observed.days.n_shops,
            "merchants_simulated": fit.n_simulated,
            "scenario": str(written.scenario),
            "page": str(written.page),
        },
    }  # fmt: skip
