"""``lendsim explain``: one merchant's whole story."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sim.app.commands.ending import ending, refuse
from sim.app.commands.options import AsJson, RunFolderArgument


def explain(
    run: RunFolderArgument,
    merchant: Annotated[int, typer.Option("--merchant", metavar="ID", min=1, help="Whose story.", show_default=False)],
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="RUN", help="The same world under another strategy.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell one merchant's story by date.

    Sales, loans, messages, waits, offers and choices, with the reasons of refusals.

    The days are lived again, so that it takes about as long as the run did.

    \b
    Example:  lendsim explain runs/tiny --merchant 17
              lendsim explain runs/tiny --merchant 17 --against runs/strict
    """
    with ending():
        from sim.app import show
        from sim.results.store import open_run
        from sim.study import explain as telling

        opened = [open_run(path) for path in (run, *((against,) if against else ()))]
        worlds = {(one.manifest.get("world_hash"), one.manifest["seed"]) for one in opened}
        if len(worlds) > 1:
            raise refuse("--against: the two runs are not of the same world and seed, so that their shops differ")
        try:
            stories = [telling.explain(one, merchant) for one in opened]
        except KeyError as error:
            raise refuse(f"--merchant: {error.args[0]}") from None
        names = [str(path) for path in (run, *((against,) if against else ()))]
        if as_json:
            rows = [
                {"run": name, "date": str(one.date), "kind": one.kind, "text": one.text}
                for name, story in zip(names, stories, strict=True)
                for one in story.events
            ]
            print(json.dumps({"merchant": merchant, "rows": rows, "about_run": {"runs": names}}))
        else:
            show.print_stories(names, stories)
