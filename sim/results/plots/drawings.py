"""How each picture is drawn; each function returns the sentence that says its content to who cannot see it."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import FigureBase
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sim.core.money import FEN_PER_YUAN
from sim.results.headline import say_number
from sim.results.ledger import Ledger
from sim.results.plots.axes import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PAST_DUE,
    Shown,
    date_axis,
    finish,
    from_zero,
    legend,
    mark_events,
    number_axis,
    said,
    scale_of,
)
from sim.results.run import as_date


def draw_balance(figure: FigureBase, shown: Shown) -> str:
    """Draw outstanding balance, fundable money and own money."""
    axes = figure.subplots()
    balance, funds, equity = (shown.line(name) for name in ("balance_fen", "funds_fen", "equity_fen"))
    lines = [(funds, "fundable money", BLACK, (0, (6, 2))), (equity, "own money", ORANGE, (0, (1, 1.5)))]
    # A lender that uses a hundredth of its money: its balance would lie on the axis.
    is_off = funds.max(initial=0) > 8 * balance.max(initial=0) > 0
    scale, unit = scale_of(balance if is_off else np.concatenate([balance, funds, equity]))
    axes.plot(shown.x, balance / scale, color=BLUE, label="outstanding balance", linewidth=2)
    own = shown.line("own_balance_fen")
    if (own != balance).any():
        axes.plot(shown.x, own / scale, color=BLUE, linestyle=(0, (4, 1)), label="held by the lender itself")
    for values, label, colour, style in lines:
        if is_off:
            axes.plot([], [], color=colour, linestyle=style, label=f"{label} ({said(values, -1)}, off scale)")
        else:
            axes.plot(shown.x, values / scale, color=colour, linestyle=style, label=label)
    axes.set_ylabel(f"balance ({unit})")
    axes.set_ylim(bottom=min(0.0, float(equity.min(initial=0)) / scale if not is_off else 0.0))
    finish(axes, shown, columns=2 if is_off else 3)
    return (
        f"Line chart of the outstanding balance. It begins at {said(balance, 0)} and ends at {said(balance, -1)}; "
        f"the highest is {say_number(balance.max(initial=0))} yuan. Fundable money ends at {said(funds, -1)}."
    )


def draw_lending(figure: FigureBase, shown: Shown) -> str:
    """Draw loans and money paid out per week, one above the other."""
    above, below = figure.subplots(2, 1, sharex=True)
    starts, loans = shown.weeks("n_loans")
    _, money = shown.weeks("disbursed_fen")
    scale, unit = scale_of(money)
    above.bar(starts, loans, width=6, align="edge", color=GREY, edgecolor=BLACK, linewidth=0.4)
    below.bar(starts, money / scale, width=6, align="edge", color=BLUE, edgecolor=BLACK, linewidth=0.4)
    above.set_ylabel("loans a week")
    below.set_ylabel(f"{unit} a week")
    above.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    for axes in (above, below):
        finish(axes, shown)
    if not len(loans):
        return "Bar charts of loans and money paid out per week; the run is shorter than a week."
    return (
        f"Two bar charts of lending per week. Loans go from {loans[0]:,.0f} in the first week to {loans[-1]:,.0f} in "
        f"the last, at most {loans.max():,.0f}; money paid out goes from {said(money, 0)} to {said(money, -1)}."
    )


def draw_interest(figure: FigureBase, shown: Shown) -> str:
    """Draw the interest of each day and its seven-day mean."""
    axes = figure.subplots()
    daily = shown.line("interest_fen")
    days, means = shown.week_mean("interest_fen")
    scale, unit = scale_of(daily)
    axes.plot(shown.x, daily / scale, color=GREY, linewidth=0.9, label="day")
    axes.plot(days, means / scale, color=BLUE, linewidth=2, linestyle=(0, (5, 1)), label="mean of seven days")
    axes.set_ylabel(f"interest a day ({unit})")
    axes.set_ylim(bottom=min(0.0, float(daily.min(initial=0)) / scale))
    finish(axes, shown, columns=2)
    return (
        f"Line chart of interest earned a day: {said(daily, 0)} on the first day, {said(daily, -1)} on the last, at "
        f"most {say_number(daily.max(initial=0))} yuan."
    )


def draw_past_due(figure: FigureBase, shown: Shown) -> str:
    """Draw the balance past due by age, stacked, as a share of the balance."""
    axes = figure.subplots()
    labels = ("1-30 days", "31-60 days", "61-89 days", "90 days or more")
    columns = ("balance_1_30_fen", "balance_31_60_fen", "balance_61_90_fen", "balance_90_plus_fen")
    balance = shown.line("balance_fen")
    shares = np.array([shown.line(column) for column in columns])
    shares = 100 * np.divide(shares, balance, out=np.zeros_like(shares), where=balance > 0)
    # The oldest at the bottom, on the axis, where its height can be read.
    axes.stackplot(
        shown.x, shares[::-1], labels=labels[::-1], colors=PAST_DUE[::-1], edgecolor=BLACK, linewidth=0.4
    )
    axes.set_ylabel("balance past due (% of balance)")
    from_zero(axes, 1.0)
    finish(axes, shown, columns=4)
    ends = ", ".join(f"{share[-1]:.2f} % {label}" for share, label in zip(shares, labels, strict=True))
    return f"Stacked areas of the balance past due as a share of the balance. At the end: {ends}. The rest is current."


def draw_sales(figure: FigureBase, shown: Shown) -> str:
    """Draw the sales of all merchants, seven-day mean, with the scenario's events."""
    axes = figure.subplots()
    days, means = shown.week_mean("merchant_sales_fen")
    scale, unit = scale_of(means)
    axes.plot(days, means / scale, color=GREEN, linewidth=1.8)
    axes.set_ylabel(f"sales a day ({unit})")
    axes.set_ylim(bottom=0)
    finish(axes, shown)
    marked = mark_events(axes, shown)
    told = f" Events marked: {', '.join(marked)}." if marked else ""
    return (
        f"Line chart of all merchants' sales a day, mean of seven days: from {said(means, 0)} to {said(means, -1)}, "
        f"between {say_number(means.min(initial=np.inf))} and {say_number(means.max(initial=0))} yuan.{told}"
    )


def draw_vintages(figure: FigureBase, shown: Shown) -> str:
    """Draw the share of principal ever 30 and ever 90 days past due by month of origination, matured months only."""
    axes = figure.subplots()
    cells = vintage_cells(shown.book)
    for place, (product, by_age) in enumerate(cells.items()):
        # Where nearly all that are 30 days late go on to 90 the lines meet: the small mark then lies in the large one.
        for days_late, style, size, face in ((30, (0, (4, 2)), 8, "white"), (90, "-", 4, None)):
            if not by_age[days_late]:
                continue
            months, shares = zip(*by_age[days_late], strict=True)
            colour, marker = (BLUE, ORANGE, GREEN, BLACK)[place % 4], "osD^"[place % 4]
            label = f"{product.replace('_', ' ')}, ever {days_late} days"
            axes.plot(
                np.array(months), 100 * np.array(shares), color=colour, linestyle=style, marker=marker,
                markersize=size, markerfacecolor=face or colour, clip_on=False, label=label,
            )  # fmt: skip
    axes.set_ylabel("principal ever past due (%)")
    axes.set_xlabel("month of origination")
    n_cells = sum(len(by_age[days_late]) for by_age in cells.values() for days_late in by_age)
    if n_cells:
        from_zero(axes, 1.0)
        legend(axes, 2)
        points = [point for by_age in cells.values() for drawn in by_age.values() for point in drawn]
        date_axis(axes, *(as_date(pick(points)[0].astype(object)) for pick in (min, max)), by_month=True)
    else:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "No month of lending is old enough yet.", ha="center", transform=axes.transAxes)
    return f"Line chart of the share of principal ever 30 and ever 90 days past due, {n_cells} matured monthly points."


def vintage_cells(book: Ledger) -> dict[str, dict[int, list[tuple[np.datetime64, float]]]]:
    """Return (month, share of principal ever `k` days past due) by product and k, of months wholly matured.

    A month is matured at k when every loan it opened fell due at least k days before the run's end: censoring cannot
    make a young month look good.
    """
    opened, due, products = book.all_loans("opened"), book.all_loans("due"), book.all_products
    principal, worst, lost = (book.all_loans(name) for name in ("principal_fen", "max_dpd", "written_off_fen"))
    months = opened.astype("datetime64[D]").astype("datetime64[M]")
    cells: dict[str, dict[int, list[tuple[np.datetime64, float]]]] = {}
    for product in sorted(set(products.tolist())):
        cells[product] = {30: [], 90: []}
        for month in np.unique(months[products == product]):
            inside = (products == product) & (months == month)
            for days_late, points in cells[product].items():
                if due[inside].max() + days_late <= book.observed:
                    is_bad = inside & ((worst >= days_late) | (lost > 0))
                    points.append((month.astype("datetime64[D]"), principal[is_bad].sum() / principal[inside].sum()))
    return cells


def draw_result(figure: FigureBase, shown: Shown) -> str:
    """Draw the lender's result by month: income above, costs below, the result as a mark."""
    axes = figure.subplots()
    months, place = np.unique(shown.number.astype("datetime64[D]").astype("datetime64[M]"), return_inverse=True)

    def monthly(*columns: str) -> NDArray[np.float64]:
        return np.asarray(sum(np.bincount(place, weights=shown.day(name)) for name in columns), dtype=np.float64)

    allowance = np.diff(shown.day("allowance_fen"), prepend=shown.book.opening("allowance_fen") / FEN_PER_YUAN)
    credit = monthly("written_off_fen", "guarantee_fen", "premium_fen")
    credit -= monthly("recovered_fen", "passed_loss_fen", "claims_fen")
    credit += np.bincount(place, weights=allowance)
    earned = monthly("interest_fen", "penalty_paid_fen", "fee_paid_fen", "servicing_fee_fen", "junior_result_fen")
    earned -= monthly("refunded_fen", "passed_on_fen", "passed_penalty_fen")
    has_others = any(shown.day(name).any() for name in ("servicing_fee_fen", "junior_result_fen", "premium_fen"))
    parts = (
        ("interest, penalties, fees" if has_others else "interest and penalties", earned, BLUE, ""),
        ("interest on funds", -monthly("funding_cost_fen"), "#E8E8E8", "///"),
        ("operating cost", -monthly("operating_cost_fen"), "#BDBDBD", "..."),
        ("credit losses, allowance, insurance" if has_others else "credit losses and allowance", -credit, ORANGE, "xx"),
    )
    result = np.sum([values for _, values, _, _ in parts], axis=0)
    scale, unit = scale_of(np.concatenate([values for _, values, _, _ in parts]))
    high, low = np.zeros(len(months)), np.zeros(len(months))
    ticks = np.arange(len(months))
    for label, values, colour, hatch in parts:
        # A released allowance is income: each value stacks on the side of its sign.
        foot = np.where(values >= 0, high, low)
        axes.bar(
            ticks, values / scale, bottom=foot / scale, width=0.7, color=colour, hatch=hatch, edgecolor=BLACK,
            linewidth=0.5, label=label,
        )  # fmt: skip
        high, low = high + np.maximum(values, 0), low + np.minimum(values, 0)
    axes.plot(ticks, result / scale, color=BLACK, marker="D", markersize=5, linewidth=0, markerfacecolor="white",
              label="result")  # fmt: skip
    axes.axhline(0, color=BLACK, linewidth=0.8)
    axes.set_ylabel(f"{unit} a month")
    every = -(-len(months) // 12)
    days = (months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")
    is_whole = np.bincount(place) == days.astype(np.int64)
    names = [
        f"{month:%b}{'' if whole else ' *'}\n{month:%Y}"
        for month, whole in zip(months.astype(object), is_whole, strict=True)
    ]
    axes.set_xticks(ticks[::every], names[::every])
    number_axis(axes)
    legend(axes, 3)
    return (
        f"Stacked bars of the lender's result in {len(months)} months: income above the axis, interest on funds, "
        f"operating cost and credit losses below it. The results add up to {say_number(float(result.sum()))} yuan."
    )
