"""The report of a run: one HTML page that needs nothing but itself.

No script, no font, no picture is fetched: the pictures are SVG in the page. It reads on a narrow screen and prints.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import StoreError
from sim.results.after_payout import BUCKETS, flows, recovery_curve, roll_rates, what_was_done
from sim.results.classes import NON_PERFORMING, five_classes, scheme_of
from sim.results.economics.unit import PRODUCT_MEASURES, ProductMeasure
from sim.results.funding import say_funding
from sim.results.headline import headline, notes, say, say_number
from sim.results.ledger import Ledger
from sim.results.measure import Value
from sim.results.metrics import BY_NAME, MEASURES
from sim.results.run import Run

if TYPE_CHECKING:
    from sim.results.plots import Picture

NAME = "report.html"
#: Pictures of more lenders than this would make the page heavy; their numbers are in the tables all the same.
MOST_LENDERS_DRAWN = 6
GROUPS = {
    "growth": "Growth", "yield": "Yield", "default": "Default", "after": "After the payout", "merchants": "Merchants",
}  # fmt: skip


def write_report(run: Run, path: str | Path | None = None) -> Path:
    """Write the report and return where it is.

    Parameters
    ----------
    path
        Where to; ``report.html`` in the run folder if not said.

    Raises
    ------
    StoreError
        If the run lives in memory and no path is given, or the file cannot be written.
    """
    from sim.results.files import write_whole

    if path is None:
        if run.path is None:
            raise StoreError("a run in memory has no folder for its report: say where to write it")
        path = run.path / NAME
    write_whole(Path(path), render(run).encode())
    return Path(path)


def render(run: Run) -> str:
    """Return the report as one HTML page."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sim.results"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    lenders = run.lenders or ("",)
    first, last = run.window
    about = run.scenario.get("about") or {}
    values = list(_leaves(run.scenario, run.manifest.get("provenance") or {}))
    return environment.get_template("report.html.j2").render(
        about=about,
        title=about.get("title") or run.manifest.get("title") or "A run",
        first=say_date(first),
        last=say_date(last),
        lenders=lenders,
        sentences=[sentence for lender in lenders for sentence in say_lender(run, lender)] + [say_market(run)],
        tables=_headline_tables(run),
        market_pictures=[_drawn(picture, run, lenders[0]) for picture in _pictures() if not picture.needs_lender],
        sections=[
            (
                lender,
                [_drawn(picture, run, lender) for picture in _pictures() if picture.needs_lender],
                _classes(run, lender),
                _economics(run, lender),
                _after_payout(run, lender),
            )
            for lender in run.lenders[:MOST_LENDERS_DRAWN]
        ],
        undrawn=run.lenders[MOST_LENDERS_DRAWN:],
        notes=_notes(run),
        measures=_measure_table(run),
        written=[value for value in values if value[2] != "default"],
        left=[value for value in values if value[2] == "default"],
        made=list(_made_from(run)),
    )


def say_lender(run: Run, lender: str) -> Iterator[str]:
    """Yield what became of one lender, in sentences made of the measures."""
    if not lender:
        yield "No lender works in this world: it shows what the merchants sell on their own."
        return
    values = run.summaries[lender]

    def told(name: str) -> str:
        return say(BY_NAME[name], values[name])

    first, last = run.window
    n_days = (last - first).days + 1
    yield (
        f"From {say_date(first)} to {say_date(last)} ({n_days} days) {lender} paid out {told('disbursed')} in "
        f"{told('n_loans')}" + (f", {told('ticket_mean')} each on average" if values["n_loans"] else "")
        + f". {values['customers'] or 0:,} merchants had ever borrowed by the end, {values['customers_new'] or 0:,} of "
        "them for the first time in these days."
    )  # fmt: skip
    if not values["balance_mean"]:
        yield f"{lender} had no money out."
        return
    refused = values["rejected_for_funds"]
    wanting = f", and {refused:,} applications were refused for want of it" if refused else ""
    yield (
        f"It had {told('balance_mean')} out on average and {told('balance_end')} at the end; {told('funds_used')} of "
        f"the money it could lend was out{wanting}."
    )
    profit = values["profit"] or 0
    yield (
        f"A yuan out earned {told('yield_gross')} before losses and {told('yield_risk_adjusted')} after losses and "
        f"what the allowance grew by. After funds and operating cost the {'result was' if profit >= 0 else 'loss was'} "
        f"{say_number(abs(profit))} yuan, a return on equity of {told('roe')}."
    )
    yield from say_funding(run, lender)
    yield f"At the end {told('npl90')} of the balance was 90 or more days past due. " + (
        "No loan of these days is old enough yet to say how many go 90 days past due."
        if values["ever90"] is None
        else f"Of the principal lent in these days and old enough to judge, {told('ever90')} went 90 days past due or "
        "was written off."
    )


def say_market(run: Run) -> str:
    """Return what became of the merchants, in a sentence."""
    values = next(iter(run.summaries.values()))
    grown = values["merchant_sales_growth"]
    trend = ""
    if grown is not None:
        change = f"{abs(100 * grown):,.1f} % {'more' if grown >= 0 else 'less'}"
        trend = f", {change} in the second half of the days than in the first"
    left = values["merchant_exits"]
    return (
        f"All merchants together sold {say(BY_NAME['merchant_sales'], values['merchant_sales'])}{trend}; "
        f"{left:,} left the market."
    )


def say_date(day: datetime.date) -> str:
    """Return `1 March 2012`."""
    return f"{day.day} {day:%B %Y}"


def _pictures() -> tuple[Picture, ...]:
    from sim.results.plots import PICTURES

    return PICTURES


def _drawn(picture: Picture, run: Run, lender: str) -> dict[str, str]:
    from markupsafe import Markup

    from sim.results.plots import AFTER_WINDOW, svg

    # Our own drawing; the words in it are escaped by matplotlib and by `svg`.
    drawing = Markup(svg(picture, run, lender))
    is_longer = run.days[1] > run.window[1] and picture.name not in {"vintages", "result"}
    caption = f"{picture.caption} {AFTER_WINDOW}" if is_longer else picture.caption
    return {"title": picture.title, "caption": caption, "svg": drawing}


def _headline_tables(run: Run) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """Return (group, [(label, [value by lender])]); the market's rows have one value."""
    by_lender = [headline(run, lender) for lender in run.lenders or ("",)]
    tables = []
    for group, title in GROUPS.items():
        columns = [[row for row in rows if row.group == group] for rows in by_lender]
        columns = columns[:1] if group == "merchants" else columns
        rows = [(same[0].label, [row.value for row in same]) for same in zip(*columns, strict=True)]
        if rows:
            tables.append((title, rows))
    return tables


def _classes(run: Run, lender: str) -> dict[str, Any] | None:
    """Return the five classes of a lender's loans for a table; None if it has no month end."""
    found = five_classes(run, lender)
    if found is None:
        return None
    day, rows = found
    bad = sum(row.balance_fen for row in rows if row.name in NON_PERFORMING)
    return {
        "title": f"Five classes, {say_date(day)}",
        "scheme": scheme_of(run).replace("_", " "),
        "rows": [
            (row.name, row.dpd, _yuan(row.balance_fen), _share(row.share), _yuan(row.required_fen)) for row in rows
        ],
        "bad": _share(bad / total if (total := sum(row.balance_fen for row in rows)) else None),
        "required": _yuan(sum(row.required_fen for row in rows)),
    }


def _after_payout(run: Run, lender: str) -> dict[str, Any] | None:
    """Return roll rates, recoveries and actions of a lender for tables; None if it has never lent."""
    book = Ledger(run, lender)
    _, whole = flows(book)
    if not whole.any():
        return None
    names = ("current", *(f"{low} to {high}" if high < 1_000 else f"{low} and more" for low, high in BUCKETS))
    rows = [
        (name, _yuan(int(balance)), [_share(float(rate)) for rate in rates])
        for name, balance, rates in zip(names, whole, roll_rates(book), strict=True)
        if balance > 0
    ]
    curve = [(months, _yuan(lost), _share(part)) for months, lost, part in recovery_curve(book)]
    return {"to": (*names, "paid", "written off"), "rows": rows, "curve": curve, "done": what_was_done(book)}


def _economics(run: Run, lender: str) -> dict[str, Any] | None:
    """Return the unit economics of a lender's products for a table; None if it has never lent."""
    values = run.economics[lender]
    if not values:
        return None
    groups = [
        (group, [(one.label, [_brief(one, of[one.name]) for of in values.values()]) for one in own])
        for group in dict.fromkeys(one.group for one in PRODUCT_MEASURES)
        if (own := [one for one in PRODUCT_MEASURES if one.group == group])
    ]
    young = [name.replace("_", " ") for name, of in values.items() if not of["n_matured"]]
    return {"products": [name.replace("_", " ") for name in values], "groups": groups, "young": young}


def _brief(one: ProductMeasure, value: Value) -> str:
    return say(one, value).removesuffix(" a year").removesuffix(" loans")


def _yuan(fen: int) -> str:
    return f"{say_number(fen / 100)} yuan" if fen else "0 yuan"


def _share(value: float | None) -> str:
    return "not defined" if value is None else f"{100 * value:.2f} %"


def _notes(run: Run) -> list[str]:
    """Return the notes of all lenders, said once, and those of the run itself."""
    from sim.results.store import code_version

    many = len(run.lenders) > 1
    told = [
        f"{lender}: {note}" if many and note.startswith("*") else note
        for lender in run.lenders or (None,)
        for note in notes(run, lender)
    ]
    told += [str(note) for note in run.manifest.get("notes") or ()]
    written_by = run.manifest.get("code_version")
    if written_by and written_by != code_version():
        told.append(f"The run was made by version {written_by}, this report by version {code_version()}.")
    return list(dict.fromkeys(told))


def _measure_table(run: Run) -> list[dict[str, Any]]:
    """Return every measure with its formula, source and value by lender."""
    return [
        {
            "name": measure.name,
            "label": measure.label,
            "formula": measure.formula,
            "source": measure.source,
            "values": [say(measure, values[measure.name]) for values in run.summaries.values()],
        }
        for measure in MEASURES
        if run.lenders or measure.group == "merchants"
    ]


def _leaves(node: Any, provenance: Mapping[str, str], path: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield every value of the scenario: dotted path, value, where it came from."""
    if isinstance(node, Mapping) and node:
        for key, inner in node.items():
            yield from _leaves(inner, provenance, f"{path}.{key}" if path else str(key))
    else:
        yield path, _plain(node), provenance.get(path, "")


def _plain(value: Any) -> str:
    if value is None or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_plain(inner) for inner in value) or "none"
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def _made_from(run: Run) -> Iterator[tuple[str, str]]:
    """Yield what the run was made from, so that it can be made again."""
    manifest, book = run.manifest, Ledger(run, (run.lenders or ("",))[0])
    first, last = run.days
    yield "Simulated days", f"{say_date(first)} to {say_date(last)} ({book.observed - book.start + 1:,} days)"
    named = {"Seed": "seed", "Scenario hash": "scenario_hash", "World hash": "world_hash", "Code": "code_version"}
    for label, key in named.items():
        yield label, str(manifest.get(key, "not recorded"))
    for name, digest in (manifest.get("plug_ins") or {}).items():
        yield f"User policy {name}", str(digest)
    yield "Versions", ", ".join(f"{name} {version}" for name, version in (manifest.get("libraries") or {}).items())
    for name, amount in (manifest.get("time_used") or {}).items():
        yield str(name).replace("_", " ").capitalize().replace("Cpu", "CPU"), _plain(amount)
    rows = run.table("merchants", ["merchant_id"]).num_rows if "merchants" in run.sources else 0
    yield "Merchants on record", f"{rows:,}" if rows else "none"
