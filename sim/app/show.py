"""What a person sees in the terminal: tables on standard output, progress on standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from sim.app.bench.compare import Benchmark
    from sim.lenders.schedule import Row
    from sim.results.measure import Measure
    from sim.results.run import Run
    from sim.study.compare import Comparison
    from sim.study.explain import Story
    from sim.study.runner import Outcome
    from sim.study.stats import Spread, Value

DayProgress = Callable[[int, int, int], None]
RunProgress = Callable[[int, int, int], None]
# Tables are written this wide where no terminal says its width (a pipe, a file).
_WIDTH = 110


def print_json(content: Mapping[str, Any]) -> None:
    """Print one JSON object; a number that is undefined (NaN, infinite) becomes null."""
    print(json.dumps(_plain(content), ensure_ascii=False, allow_nan=False, indent=1))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if hasattr(value, "item"):  # a NumPy scalar
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)


def print_headline(run: Run) -> None:
    """Print the headline table of a run: growth, yield, default of each lender, then what became of the merchants."""
    from sim.results.headline import headline, notes

    first, last = run.window
    title = (run.scenario.get("about") or {}).get("title") or "run"
    print(f"{title}: {first} to {last}, seed {run.manifest.get('seed')}")
    table = new_table("", "value", "name")
    for lender in run.lenders or ("",):
        rows = headline(run, lender)
        of_market = [row for row in rows if row.group == "merchants"]
        group = ""
        for row in (row for row in rows if row.group != "merchants"):
            if row.group != group:
                group = row.group
                table.add_section()
                table.add_row(f"{row.group}, {lender}" if len(run.lenders) > 1 else row.group, "", "", style="bold")
            table.add_row(f"  {row.label}", row.value, row.name)
    table.add_section()
    table.add_row("merchants", "", "", style="bold")
    for row in of_market:
        table.add_row(f"  {row.label}", row.value, row.name)
    console().print(table)
    told = [note for lender in run.lenders or ("",) for note in notes(run, lender or None)]
    for note in dict.fromkeys([*told, *(run.manifest.get("notes") or ())]):
        console().print(note)


def print_seeds(outcomes: Sequence[Outcome], spreads: Mapping[str, Spread]) -> None:
    """Print the means over several seeds with their intervals."""
    from sim.results.headline import HEADLINE, say
    from sim.results.metrics import BY_NAME

    done = sum(outcome.summary is not None for outcome in outcomes)
    print(f"{outcomes[0].name}: means over {done} seeds ({outcomes[0].seed} to {outcomes[-1].seed})")
    table = new_table("", "mean", "95 % interval", "seeds", "name")
    group = ""
    for measure in (BY_NAME[name] for name in HEADLINE if spreads[name].mean is not None):
        spread = spreads[measure.name]
        if measure.group != group:
            group = measure.group
            table.add_section()
            table.add_row(group, "", "", "", "", style="bold")
        interval = "" if spread.low is None else f"{say(measure, spread.low)} to {say(measure, spread.high)}"
        label = f"  {measure.label}{' *' if measure.matured else ''}"
        table.add_row(label, say(measure, spread.mean), interval, str(spread.n), measure.name)
    console().print(table)


def print_stories(names: Sequence[str], stories: Sequence[Story]) -> None:
    """Print a merchant's story, or two side by side, after what it is."""
    from sim.study.explain import beside

    about = stories[0].about
    out = console()
    out.print(
        f"merchant {stories[0].merchant_id}: {about['platform']}, {about['category']}, opened {about['opened']}; "
        f"{about['integrity']}, quality {about['quality']:+.1f}, margin {about['margin']:.0%}, "
        f"fakes {about['wash']:.0%} of its sales (the hidden truth)"
    )
    table = new_table("date", *(names if len(names) > 1 else ("what happens",)), numbers=())
    for column in table.columns:
        column.no_wrap = False
    for day, texts in beside(stories):
        table.add_row(str(day), *texts)
    out.print(table)


def print_comparison(comparison: Comparison) -> None:
    """Print a table of differences for each compared scenario, then the verdict in words."""
    from sim.results.metrics import BY_NAME
    from sim.study.wording import say_difference, say_interval, say_probability

    a = comparison.arms[0]
    out = console()
    for b in comparison.arms[1:]:
        out.print(f"{b} less {a}, {len(comparison.seeds)} worlds")
        heads = ("", a, b, "difference", "95 % interval", "p", "worlds", "unpaired")
        table = new_table(*heads, numbers=range(1, 8))
        table.columns[0].no_wrap = True
        for column in table.columns[1:]:
            column.no_wrap = False  # where there is little room, numbers go on in a second line; none is cut
        group = ""
        for contrast in (c for c in comparison.contrasts if c.b == b):
            measure, paired = BY_NAME[contrast.measure], contrast.paired
            if measure.group != group:
                group = measure.group
                table.add_section()
                table.add_row(group, *[""] * 7, style="bold")
            table.add_row(
                f"  {contrast.measure}",
                _brief(measure, paired.mean_a),
                _brief(measure, paired.mean_b),
                say_difference(measure, paired).removesuffix(" a year"),
                say_interval(measure, paired),
                say_probability(contrast.p_holm).replace("< ", "<"),
                str(paired.n),
                "" if paired.n_unpaired is None else _count(paired.n_unpaired),
                style="" if contrast.is_clear or paired.low is None else "dim",
            )
        out.print(table)
    out.print("Yields, charge-offs and balance_growth_of_equity are a year. p: of paired t, by Holm for all of these;")
    out.print("worlds: seeds in which both are defined; unpaired: seeds each side would have needed for such an")
    out.print("interval, had the worlds not been the same.\n")
    out.print(comparison.verdict())
    for note in comparison.notes:
        out.print(f"\n{note}")


def print_schedule(summary: Mapping[str, Any], rows: Sequence[Row], unit: str) -> None:
    """Print the days of a loan on which something fell due or was paid, then what it cost."""
    from sim.core.money import format_yuan

    def yuan(fen: int) -> str:
        return format_yuan(fen).removesuffix(" yuan")

    out = console()
    out.print(
        f"{summary['product']}: {summary['principal']:,.2f} yuan at {summary['rate']}, {summary['periods']} {unit} "
        f"from {summary['start']}; {summary['day_count']}"
    )
    heads = ("n", "date", "due", "paid", "principal", "interest", "penalty", "fee", "balance")
    table = new_table(*heads, numbers=range(2, 9))
    for row in rows:
        paid = row.paid
        amounts = (row.due, paid.total, paid.principal, paid.interest, paid.penalty, paid.fee, row.balance)
        table.add_row(str(row.n), str(row.date), *(yuan(fen) for fen in amounts))
    out.print(table)
    if summary["instalment"] is not None:
        out.print(f"instalment          {summary['instalment']:,.2f} yuan")
    for name in ("total_interest", "total_penalty", "total_fee", "interest_refunded", "total_paid", "owed"):
        if summary[name] or name in ("total_interest", "total_paid"):
            out.print(f"{_SAID[name]:20}{summary[name]:,.2f} yuan")
    for name in ("apr", "ear"):
        said = "undefined" if summary[name] is None else f"{summary[name]:.2%}"
        out.print(f"{_SAID[name]:20}{said} a year")
    for row in rows:
        if row.paid.excess:
            out.print(f"{row.date}: {format_yuan(row.paid.excess)} more than was owed; given back")


_SAID = {
    "total_interest": "interest",
    "total_penalty": "penalty",
    "total_fee": "fee",
    "interest_refunded": "interest refunded",
    "total_paid": "paid in all",
    "owed": "still owed",
    "apr": "APR, nominal",
    "ear": "effective rate",
}


def print_benchmark(found: Benchmark) -> None:
    """Say what a benchmark has found."""
    out = console()
    heads = ("", "merchants", "CPU ns per merchant-day", "bytes per merchant", "loans per merchant")
    table = new_table(*heads, numbers=range(1, 5))
    for name, rows in (("lendsim", found.engine), ("peer", found.peer)):
        for row in rows:
            table.add_row(
                name,
                f"{row['merchants']:,}",
                f"{row['cpu_ns_per_merchant_day']:,.0f}",
                f"{row['bytes_per_merchant']:,.0f}",
                f"{row['loans_per_merchant']:.3f}",
            )
    out.print(table)
    last = found.engine[-1]
    table = new_table(f"Where they go, {last['merchants']:,} merchants", "ns", "share")
    for name, value in sorted(last["steps"].items(), key=lambda part: -part[1]):
        table.add_row(name, f"{value:.1f}", f"{value / last['cpu_ns_per_merchant_day']:.0%}")
    out.print(table)
    runs = "one run" if found.repeats == 1 else f"medians of {found.repeats} runs"
    lines = [
        f"CPU time on one thread, {runs} of {found.days} days of base, after "
        "30 days; the rows of the run are written to the disk. Bytes: peak memory of a further merchant.",
        f"The smallest process had {found.engine[0]['bytes'] / 1e6:,.0f} MB at its peak.",
        f"Finishing the run folder of {last['merchants']:,} merchants takes {last['finish_cpu_seconds']:.1f} s more.",
    ]
    if found.exponent is not None:
        lines.append(f"CPU time grows with merchants to the power of {found.exponent:.2f}.")
    if found.times_cheaper is not None:
        lines.append(
            f"A merchant-day costs the peer of {found.peer[-1]['merchants']:,} merchants {found.times_cheaper:,.0f} "
            f"times what it costs lendsim at {last['merchants']:,}."
        )
    cold, cached = found.compile_seconds["cold"], found.compile_seconds["cached"]
    lines.append(f"Kernels: compiled in {cold:.0f} s, read from the cache in {cached:.1f} s, a first market included.")
    band = found.bandwidth
    lines.append(
        f"Memory: a merchant's day moves {band['bytes_per_merchant_day']:,} bytes in columns, "
        f"{band['moved_per_second'] / 1e9:.1f} GB/s, {band['share']:.0%} of the "
        f"{band['bytes_per_second'] / 1e9:.1f} GB/s of a copy on one core."
    )
    for line in lines:
        out.print(line)


def _count(n: int) -> str:
    from sim.results.headline import say_number

    return f"{n:,}" if n < 100_000 else say_number(n)


def _brief(measure: Measure, value: Value) -> str:
    from sim.results.headline import say

    return say(measure, value).removesuffix(" a year").removesuffix(f" {measure.unit}")


@contextmanager
def day_progress(name: str, is_wanted: bool = True) -> Iterator[DayProgress | None]:
    """Show how far one run is: days done, merchants, time left. Only on a terminal; else there is nothing to call."""
    if not (is_wanted and sys.stderr.isatty()):
        yield None
        return
    with _bar() as bar:
        task = bar.add_task(name, total=None, said="getting ready")

        def tell(done: int, days: int, merchants: int) -> None:
            bar.update(task, completed=done, total=days, said=f"day {done:,} of {days:,}  {merchants:,} merchants")

        yield tell


@contextmanager
def run_progress(name: str, is_wanted: bool = True, what: str = "run") -> Iterator[RunProgress | None]:
    """Show how far many runs (or steps, as ``what`` says) are: done, failed, rate, time left.

    Only on a terminal; else there is nothing to call.
    """
    if not (is_wanted and sys.stderr.isatty()):
        yield None
        return
    from sim.app.show_progress import Pace

    with _bar(has_time=False) as bar:
        task, pace = bar.add_task(name, total=None, said="getting ready"), Pace()

        def tell(done: int, runs: int, failed: int) -> None:
            said = (f"{what} {done:,} of {runs:,}", f"{failed:,} failed" if failed else "", pace.say(done, runs))
            bar.update(task, completed=done, total=runs, said="  ".join(filter(None, said)))

        yield tell


def _bar(has_time: bool = True) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    name, said = TextColumn("{task.description}", markup=False), TextColumn("{task.fields[said]}", markup=False)
    columns = (name, BarColumn(bar_width=30), said, *((TimeRemainingColumn(), TextColumn("left")) if has_time else ()))
    return Progress(*columns, console=Console(stderr=True), transient=True)


def console() -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() else _WIDTH
    return Console(width=width, markup=False, highlight=False, emoji=False, soft_wrap=False)


def new_table(*heads: str, numbers: Sequence[int] = (1,)) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="")
    for i, head in enumerate(heads):
        table.add_column(head, justify="right" if i in numbers else "left", no_wrap=i in numbers)
    return table
