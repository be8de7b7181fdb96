"""How a command ends: its exit status, and the plain words on standard error that go with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import typer

from sim.errors import LendsimError, PolicyError, ScenarioError, StoreError
from sim.study.addresses import ClusterError

FAILED, REFUSED, INTERRUPTED = 1, 2, 130


def say(text: str) -> None:
    """Say something to the person at the terminal: standard error, because standard output is for results."""
    sys.stdout.flush()
    print(text, file=sys.stderr, flush=True)


def refuse(text: str) -> typer.Exit:
    """Say why an input is refused; raise what this returns."""
    say(text)
    return typer.Exit(REFUSED)


@dataclass
class Work:
    """What a command is at: an unusable policy or folder is a refused input before it has begun, a failed run after."""

    has_begun: bool = False


@contextmanager
def ending(if_interrupted: str = "") -> Iterator[Work]:
    """Turn what a command raises into words and an exit status, without a traceback.

    Parameters
    ----------
    if_interrupted
        What to tell who pressed Ctrl-C.
    """
    work = Work()
    try:
        yield work
    except ScenarioError as error:
        for issue in error.issues:
            say(str(issue))
        raise typer.Exit(REFUSED) from None
    except (ClusterError, PolicyError, StoreError) as error:
        say(str(error))
        raise typer.Exit(FAILED if work.has_begun else REFUSED) from None
    except LendsimError as error:
        say(str(error))
        raise typer.Exit(FAILED) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        say(f"{error.filename or 'lendsim'}: {error.strerror or error}")
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        say(f"interrupted{'; ' + if_interrupted if if_interrupted else ''}")
        raise typer.Exit(INTERRUPTED) from None
