"""``lendsim bench``: how fast the engine is, beside the same market with an object a merchant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.app.commands.ending import ending, refuse, say
from sim.app.commands.options import AsJson

if TYPE_CHECKING:
    pass


def bench(
    merchants: Annotated[
        str, typer.Option("--merchants", metavar="N,...", help="Sizes of the market, separated by commas.")
    ] = "1000,10000,100000,1000000",
    days: Annotated[int, typer.Option("--days", metavar="N", min=1, max=1000, help="Days that are measured.")] = 90,
    repeats: Annotated[
        int, typer.Option("--repeats", metavar="N", min=1, max=100, help="Runs of each size; medians are shown.")
    ] = 3,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the picture goes.")] = Path("runs/bench"),
    as_json: AsJson = False,
) -> None:
    """Measure speed and memory beside a Mesa model of the market.

    The model has an object a merchant. Takes minutes, as every size is run several times in a process of its own.

    \b
    Example:  lendsim bench
              lendsim bench --merchants 1000,100000 --days 30 --json
    """
    with ending():
        from sim.app.bench.compare import run_benchmark
        from sim.app.bench.measure import PEER, SCENARIO
        from sim.app.bench.picture import write_picture
        from sim.app.show import print_benchmark, print_json

        sizes = _sizes(merchants)
        for needed in (SCENARIO, PEER / "peer.py"):
            if not needed.is_file():
                raise refuse(f"{needed} is missing: bench works in a checkout of lendsim")
        found = run_benchmark(sizes, days, repeats, say)
        picture = write_picture(found, out / "bench.png")
        if as_json:
            print_json(found.as_json() | {"picture": str(picture)})
        else:
            print_benchmark(found)
            print(picture)


def _sizes(text: str) -> list[int]:
    """The sizes of ``--merchants``."""
    try:
        sizes = sorted({int(word) for word in text.split(",")})
    except ValueError:
        sizes = []
    if not sizes or sizes[0] <= 100 or sizes[-1] > 10_000_000:
        raise refuse(f"--merchants {text}: give whole numbers from 101 to 10000000, such as 1000,100000")
    return sizes
