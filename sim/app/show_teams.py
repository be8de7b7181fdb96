"""What a person sees of trials, swap sets and sample sizes: tables on standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.app.show import console, new_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.study.arm_figures import Estimate
    from sim.study.challenger import Trial
    from sim.study.sample_size import SampleSize
    from sim.study.swap import Lent, SwapSet
    from sim.study.trial_truth import Truth


def print_trial(found: Trial) -> None:
    """Print every figure of both arms with its intervals, then the verdict in words."""
    out = console()
    out.print(f"{found.b.lender} less {found.a.lender}, merchants by split {found.a.split}")
    _print_estimates(found.estimates, found.a.lender, found.b.lender)
    out.print(found.verdict())
    for note in found.notes:
        out.print(f"\n{note}")


def _print_estimates(estimates: Sequence[Estimate], a: str, b: str) -> None:
    from sim.study.arm_figures import say, say_interval

    table = new_table("", a, b, "difference", "95 % interval", numbers=range(1, 5))
    reading = ""
    for one in estimates:
        figure = one.figure
        if figure.reading != reading:
            reading = figure.reading
            table.add_section()
            table.add_row(reading, *[""] * 4, style="bold")
        table.add_row(
            f"  {figure.label}",
            say(figure.unit, one.a),
            say(figure.unit, one.b),
            say(figure.unit, one.difference, signed=True),
            say_interval(figure.unit, one.interval, signed=True),
            style="" if one.is_clear or one.interval.low is None else "dim",
        )
    console().print(table)


def print_truth(found: Truth) -> None:
    """Print the trial's estimates beside the truth across markets, then the verdict in words."""
    from sim.study.arm_figures import say, say_interval
    from sim.study.intervals import Interval

    out = console()
    out.print(f"{found.b.lender} less {found.a.lender}, {len(found.seeds)} worlds: inside one market, and each alone")
    table = new_table("", "inside", "across", "gap", "95 % of gap", numbers=range(1, 5))
    for row in found.rows:
        unit = row.figure.unit
        cells = []
        for paired in (row.inside, row.across):
            span = say_interval(unit, Interval(paired.low, paired.high), signed=True)
            cells.append(f"{say(unit, paired.difference, signed=True)}\n{span}")
        gap, ends = say(unit, row.gap.difference, signed=True), Interval(row.gap.low, row.gap.high)
        table.add_row(row.figure.label, *cells, gap, say_interval(unit, ends, signed=True))
    out.print(table)
    out.print(found.verdict())


def print_swap(found: SwapSet) -> None:
    """Print the groups with counts, money, bad rates and profit; inferred and true bad rates; the verdict in words."""
    from sim.results.headline import say_number
    from sim.study.arm_figures import say, say_interval

    out = console()
    a, b = found.a, found.b
    heads = (f"lent by {a}, yuan", f"by {b}, yuan", f"bad, {a}", f"bad, {b}", f"profit of {b} less {a}")
    table = new_table("first decisions", "merchants", *heads, numbers=range(1, 7))
    for column in table.columns:
        column.no_wrap = False
    for group in (*found.groups, found.group("all")):
        if group.n == 0:
            continue
        profit = say("yuan", group.profit_difference, signed=True)
        if group.a.n_borrowers or group.b.n_borrowers:
            profit = f"{profit}\n{say_interval('yuan', group.interval, signed=True)}"
        label = group.label if group.name != "all" else "all merchants"
        lent = (say_number(side.lent) if side.n_borrowers else "-" for side in (group.a, group.b))
        table.add_row(label, f"{group.n:,}", *lent, _bad(group.a), _bad(group.b), profit)
    out.print(table)
    if any(one.n for one in found.inferred):
        table = new_table("swapped in: bad rate", "inferred", "true", "error", "95 % interval", numbers=range(1, 5))
        for one in found.inferred:
            table.add_row(
                f"by {one.method}{f', {one.stated}' if one.stated else ''}",
                f"{say('share', one.inferred)} {say_interval('share', one.inferred_interval)}",
                f"{say('share', one.true)} {say_interval('share', one.true_interval)}",
                say("share", one.error, signed=True),
                say_interval("share", one.error_interval, signed=True),
            )
        out.print(table)
    out.print(found.verdict())
    for note in found.notes:
        out.print(f"\n{note}")


def _bad(lent: Lent) -> str:
    from sim.study.arm_figures import say, say_interval

    if lent.bad_rate is None:
        return "-"
    return f"{say('share', lent.bad_rate)}\n{say_interval('share', lent.bad_interval)}"


def print_sample_size(found: SampleSize) -> None:
    """Say how many merchants a trial needs."""
    out, design = console(), found.design
    sides = "one side" if design.one_sided else "both sides"
    out.print(
        f"{found.n_champion:,} merchants for the champion and {found.n_challenger:,} for the challenger show a rate of "
        f"{design.rate + found.difference:.4g} against {design.rate:.4g} with a power of {design.power:.0%} at "
        f"{design.alpha:.0%} on {sides}."
    )
    if found.n_champion != found.n_arm or found.n_challenger != found.n_arm:
        out.print(f"Two equal arms of merchants who all have one outcome need {found.n_arm:,} each.")
    for note in found.notes:
        out.print(note)


def print_differences(n_champion: int, n_challenger: int, rate: float, fall: float | None, rise: float | None) -> None:
    """Say what so many merchants can show."""
    least = [
        f"no {word}" if value is None else f"a {word} to {rate + value:.4g} ({100 * value:+.2f} points)"
        for word, value in (("fall", fall), ("rise", rise))
    ]
    console().print(
        f"{n_champion:,} and {n_challenger:,} merchants show, from a rate of {rate:.4g}, {' or '.join(least)}, "
        "and nothing smaller."
    )
