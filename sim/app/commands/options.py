"""The options that several commands share, each described once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sim.app.commands.ending import refuse

ScenarioFile = Annotated[Path, typer.Argument(metavar="SCENARIO", help="The scenario file.", show_default=False)]
RunFolderArgument = Annotated[
    Path, typer.Argument(metavar="RUN", help="The folder of a finished run.", show_default=False)
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, max=2**62, help="Which world.", show_default="1")]
Scale = Annotated[
    float | None,
    typer.Option("--scale", metavar="X", help="Merchants and lenders' money times X.", show_default=False),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a value; may be repeated.", show_default=False),
]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where the results go.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Yes = Annotated[bool, typer.Option("--yes", help="Start even where memory will not suffice.")]

Workers = Annotated[
    int | None, typer.Option("--workers", metavar="N", min=1, help="Processes; one a core.", show_default=False)
]
Cluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="ADDR", help="A dask scheduler, tcp://HOST:PORT.", show_default=False),
]
Insecure = Annotated[bool, typer.Option("--insecure-cluster", help="Talk to another machine without TLS.")]


def columns_named(given: Sequence[str]) -> dict[str, str]:
    """Read ``--column NAME=COLUMN`` options: the column of a file of orders by the name that lendsim has for it."""
    from sim.study.moments.inputs import NAMES

    columns: dict[str, str] = {}
    for text in given:
        name, sign, column = text.partition("=")
        if not (sign and column) or name not in NAMES:
            raise refuse(f"--column {text}: write NAME=COLUMN; names are {', '.join(NAMES)}")
        columns[name] = column
    return columns
