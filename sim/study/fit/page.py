"""The page of a fit: estimates, pictures of real and simulated curves, moments, and what is not known; one file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from sim.results.files import write_whole
from sim.study.fit.estimates import Fit, rounded
from sim.study.fit.judged import FIXED, Judged
from sim.study.fit.pictures import drawings

_STYLE = """
body { font: 15px/1.5 system-ui, "DejaVu Sans", Arial, sans-serif; color: #111; max-width: 68rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; } figure { margin: 0; }
figcaption { font-size: .85rem; color: #444; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(25rem, 1fr)); gap: 1.2rem; }
table { border-collapse: collapse; width: 100%; font-size: .87rem; margin-bottom: 1.5rem; }
th, td { padding: .3rem .5rem; border-bottom: 1px solid #ddd; text-align: right; vertical-align: top; }
th:first-child, td:first-child, .text { text-align: left; } td.number { white-space: nowrap; }
tbody th { background: #f3f3f3; text-align: left; } tr.missed td { font-weight: bold; }
svg { max-width: 100%; height: auto; } .wide { overflow-x: auto; }
@media (max-width: 30rem) { .pictures { grid-template-columns: 1fr; } }
@media print { body { margin: 0; max-width: none; font-size: 11px; } figure, tr { break-inside: avoid; } }
"""


def write_page(fit: Fit, path: Path, source: str) -> None:
    """Write the page of a fit."""
    write_whole(path, render(fit, source).encode())


def render(fit: Fit, source: str) -> str:
    """The page as text."""
    days, title = fit.observed.days, f"Merchants fitted to {source}"
    told = [
        f"{fit.observed.n_merchants:,} merchants with {int(days.orders.sum()):,} orders on {days.n_days:,} days from "
        f"{days.first} to {days.date_of(days.n_days - 1)}.",
        f"{fit.n_met} of {len(fit.judged)} moments are met: the simulated one is within 15 % of the real one, or "
        "within twice its noise (standard error over merchants of the same kind).",
        _convergence(fit),
        *fit.notes,
    ]
    figures = "".join(
        f"<figure>{drawn}<figcaption>{escape(caption)}</figcaption></figure>" for caption, drawn in drawings(fit)
    )
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title><style>{_STYLE}</style></head><body>
<h1>{escape(title)}</h1>
<ul>{"".join(f"<li>{escape(line)}</li>" for line in told)}</ul>
<h2>Real and simulated curves</h2>
<p>Black: the merchants of the file, shaded where two standard errors over merchants are known. Blue, dashed: merchants
of the fitted scenario without a lender, over the same days, with luck that the fit has not seen.</p>
<div class="pictures">{figures}</div>
<h2>Parameters that were set</h2>
{_estimates(fit)}
<h2>The moments that set parameters</h2>
{_gaps(fit)}
<h2>All moments</h2>
<p>Most of these set no parameter. Noise is the standard error over merchants. A moment in bold is missed.</p>
{_judged(fit)}
<h2>What orders do not tell</h2>
<p>These parameters keep the values of the base scenario, which are assumptions about your merchants.</p>
{_table(("parameter", "why"), [(key, why) for key, why in fit.left.items()], texts=2)}
<h2>How it was done</h2>
<p>Direct estimates are computed from the file, their standard errors from 200 samples of merchants drawn with
replacement. Simulated moments: a market of {fit.n_simulated:,} merchants without a lender lives over the days of the
file, and the parameters are moved by Newton steps until its moments are those of the file; the same luck (seed
{fit.seed}) in every trial, without the market's own shock. Their standard errors carry those of the moments through the
measured slopes, with the correlation of the moments, times 1 + merchants looked at / merchants simulated. The common
path is one series: its errors are those of a regression, widened for autocorrelation. The moments of the last table are
means of three markets with other seeds and the market's shock.</p>
</body></html>
"""


def _convergence(fit: Fit) -> str:
    worst = max((abs(s - r) / e, key) for key, _, r, s, e in fit.gaps) if fit.gaps else (0.0, "")
    if fit.is_converged:
        return (
            f"The search came within one standard error of every moment that sets a parameter, after {len(fit.path)} "
            f"improvements; the largest gap is {worst[0]:.2f} s.e. ({worst[1]})."
        )
    return (
        f"The search did not come within one standard error of every moment: {worst[1]} is {worst[0]:.1f} s.e. away. "
        "The model, or a bound of a parameter, does not allow these moments together; read its estimate with care."
    )


def _estimates(fit: Fit) -> str:
    rows = [
        (one.key, str(one.written()), f"{rounded(one.error):g}{one.unit}" if math.isfinite(one.error) else "none",
         one.method, one.says)
        for one in fit.estimates
    ]  # fmt: skip
    rows += [
        (f"events.{one.name}", f"lift {one.lift:.3g}, {one.days} days", f"{one.error:.2g}", "direct", one.says)
        for one in fit.common.promotions
    ]
    return _table(("parameter", "value", "standard error", "method", "how"), rows, texts=5, numbers=(1, 2))


def _gaps(fit: Fit) -> str:
    rows = [
        (key, says, f"{real:.4g}", f"{simulated:.4g}", f"{error:.2g}", f"{(simulated - real) / error:+.2f}")
        for key, says, real, simulated, error in fit.gaps
    ]
    return _table(("parameter", "moment", "real", "simulated", "s.e.", "gap, s.e."), rows, texts=2)


def _judged(fit: Fit) -> str:
    lines = []
    for group, members in groupby(fit.judged, key=lambda one: one.group):
        why = f": {FIXED[group]}" if group in FIXED else ""
        lines.append(f'<tr><th colspan="5" scope="rowgroup">{escape(group + why)}</th></tr>')
        lines += [_judged_row(one) for one in members]
    heads = "".join(
        f'<th scope="col">{name}</th>' for name in ("moment", "real", "simulated", "noise", "simulated / real")
    )
    return f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def _judged_row(one: Judged) -> str:
    over = f"{one.simulated / one.real:.2f}" if one.real and math.isfinite(one.simulated) else ""
    cells = (one.name, f"{one.real:.4g}", f"{one.simulated:.4g}", f"{one.noise:.2g}", over)
    mark = "" if one.is_met else ' class="missed"'
    return f"<tr{mark}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _table(
    heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], texts: int = 1, numbers: tuple[int, ...] = ()
) -> str:
    """A table whose first columns, but ``numbers``, are text."""

    def cell(place: int, text: str, tag: str = "td") -> str:
        mark = ' class="text"' if place < texts and place not in numbers else ' class="number"'
        return f"<{tag}{mark}>{escape(text)}</{tag}>"

    head = "".join(cell(place, name, "th") for place, name in enumerate(heads))
    body = "".join(f"<tr>{''.join(cell(k, text) for k, text in enumerate(row))}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
