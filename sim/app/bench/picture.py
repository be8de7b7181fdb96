"""The benchmark as a picture: cost by size for engine and peer, and where the engine's time goes."""

from __future__ import annotations

from pathlib import Path

from sim.app.bench.compare import Benchmark


def write_picture(found: Benchmark, path: Path) -> Path:
    """Draw the benchmark into a PNG file; returns the path."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    from sim.results.plots import BLUE, ORANGE, STYLE

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.2, 3.8), layout="constrained")
        cost, steps = figure.subplots(1, 2, width_ratios=(1.0, 1.15))
        for rows, name, colour, mark in ((found.peer, "peer: Mesa, an object a merchant", ORANGE, "s--"),
                                         (found.engine, "lendsim", BLUE, "o-")):  # fmt: skip
            sizes = [row["merchants"] for row in rows]
            values = [row["cpu_ns_per_merchant_day"] for row in rows]
            cost.plot(sizes, values, mark, color=colour, label=name)
            for size, value in zip(sizes, values, strict=True):
                cost.annotate(f"{value:,.0f}", (size, value), (0, 7), textcoords="offset points", ha="center")
        cost.margins(x=0.15)
        cost.set(xscale="log", yscale="log", title="CPU nanoseconds per merchant and day", xlabel="merchants")
        every = [row["cpu_ns_per_merchant_day"] for row in (*found.peer, *found.engine)]
        cost.set_ylim(min(every) / 2, max(every) * 3)
        cost.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        cost.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        cost.legend(loc="lower left", bbox_to_anchor=(0.0, 1.08), ncols=2)
        last = found.engine[-1]
        parts = sorted(last["steps"].items(), key=lambda part: part[1])
        steps.barh([name for name, _ in parts], [value for _, value in parts], color=BLUE)
        for place, (_, value) in enumerate(parts):
            steps.annotate(f"{value:.1f}", (value, place), (3, 0), textcoords="offset points", va="center")
        steps.set(title=f"Where they go, {last['merchants']:,} merchants")
        steps.margins(x=0.12)
        steps.grid(visible=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150, metadata={"Software": None})
    return path
