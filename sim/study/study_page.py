"""The page of a study: one file, no outside parts, readable in print; and the files beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.results.files import beside, write_whole
from sim.results.plots import element, svg_text
from sim.results.tables import write_parquet
from sim.study.findings import Sheet
from sim.study.page import STYLE_SHEET
from sim.study.plan import Plan, describe_factors

if TYPE_CHECKING:
    from sim.study.study import Study

_MOST_ROWS = 400
_MOST_SEEDS = 40


def write_page(study: Study, folder: Path) -> Path:
    """Write ``runs.parquet``, ``study.json``, the pictures and ``study.html``; return the path of the page."""
    from sim.study.study import ANSWER, PAGE, RUNS

    folder.mkdir(parents=True, exist_ok=True)
    if study.measured.points:
        target = folder / RUNS
        write_parquet(beside(target), "", [study.table()])
        beside(target).replace(target)
    for name, picture in study.findings.pictures.items():
        write_whole(folder / f"{name}.svg", svg_text(picture.figure).encode())
    for name, text in study.findings.files.items():
        write_whole(folder / name, text.encode())
    page = folder / PAGE
    write_whole(page, _page(study).encode())
    answer = {name: value for name, value in study.as_dict().items() if name != "about_run"}
    text = json.dumps(answer, ensure_ascii=False, allow_nan=False, indent=1, default=str)
    write_whole(folder / ANSWER, text.encode() + b"\n")
    return page


def _page(study: Study) -> str:
    plan = study.plan
    about, sheet = plan.file.about, study.sheet
    title = about.title or plan.name
    asked = f"<p><em>{escape(about.question)}</em></p>" if about.question else ""
    told = "".join(f"<p>{escape(part)}</p>" for part in study.findings.sentences)
    notes = "".join(f"<li>{escape(note)}</li>" for note in study.notes)
    pictures = "".join(
        f"<h2>{escape(_title(name))}</h2>"
        f'<div class="wide">{element(one.figure, one.says, name)}</div>'
        for name, one in study.findings.pictures.items()
    )
    failed = "".join(f"<h3>{escape(o.name)}, seed {o.seed}</h3><pre>{escape(o.failure)}</pre>" for o in study.failures)
    lesson = f"<h2>Lesson</h2><p>{escape(about.lesson)}</p>" if about.lesson else ""
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Study: {escape(title)}</title><style>{STYLE_SHEET}</style></head><body>
<h1>{escape(title)}</h1>
{asked}{told}{f"<ul>{notes}</ul>" if notes else ""}
{pictures}
<h2>Findings</h2>{_sheet(sheet) if sheet else "<p>There is nothing to show.</p>"}
{lesson}
<h2>Method</h2>{_method(plan, study)}
{f"<h2>Failed runs</h2>{failed}" if failed else ""}
</body></html>
"""


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _sheet(sheet: Sheet) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in sheet.heads)
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>" for line in sheet.lines[:_MOST_ROWS]
    )
    more = len(sheet.lines) - _MOST_ROWS
    rest = f"<p>{more:,} more lines stand in runs.parquet.</p>" if more > 0 else ""
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>{rest}'


def _method(plan: Plan, study: Study) -> str:
    from sim.results.manifest import code_version

    seeds = study.measured.seeds
    listed = ", ".join(map(str, seeds[:_MOST_SEEDS])) + (f" to {seeds[-1]}" if len(seeds) > _MOST_SEEDS else "")
    n_points = f"{len(study.measured.points) or plan.file.trials} {'arms' if plan.file.arms else 'points'}"
    factors = "".join(f"<li>{escape(line)}</li>" for line in describe_factors(plan))
    arms = "".join(
        f"<li>{escape(name)}: {escape(_arm(arm.scenario, arm.set))}</li>" for name, arm in plan.file.arms.items()
    )
    laid = "".join(f"<li>{escape(f'{key}: {value}')}</li>" for key, value in plan.file.set.items())
    return f"""<ul>
<li>Study: {escape(plan.file.kind)}, {n_points} in {len(seeds)} worlds (seeds {listed}); every one lives through the
same worlds.</li>
<li>Scenario: {escape(plan.base.about.title or plan.base.path.stem)}, {plan.base.n_merchants:,} merchants,
{plan.base.calendar.n_days:,} days.</li>
{factors}{arms}{f"<li>Over the scenario:<ul>{laid}</ul></li>" if laid else ""}
<li>Intervals hold 95 % and are over worlds.</li>
<li>lendsim {escape(code_version())}; scenario {plan.base.hash[:16]}; study {plan.hash[:16]}.</li>
</ul>"""


def _arm(scenario: str | None, values: Mapping[str, Any]) -> str:
    said = ", ".join(f"{key} {value}" for key, value in values.items())
    return "; ".join(filter(None, (scenario or "", said))) or "the scenario as it stands"
