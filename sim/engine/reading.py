"""Read YAML 1.2 strictly: every key and value with its line and column, every mistake named, none followed.

Only the event stream of ``ruamel.yaml`` is used, never its composer: the tree is built without recursion, so that
aliases, tags, duplicate keys and deep nesting are refused one by one while the rest of the file is still read.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ruamel.yaml.error import MarkedYAMLError

from sim.engine.inputs import nesting
from sim.engine.inputs.nesting import MAX_DEPTH
from sim.engine.inputs.text import decode, syntax_problem
from sim.engine.inputs.tree import MAX_NODES, Builder, Node, Origin, StoppedError, TooDeepError, join
from sim.errors import Issue

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_NODES", "Node", "Origin", "join", "read_file", "read_text"]

MAX_BYTES = 262_144
"""Of one scenario file, leading spaces of what is nested too deeply not counted."""

_MAX_FILE_BYTES = 16 * 1024 * 1024
_MAX_CUTS = 8


def read_file(path: Path, origin: Origin) -> tuple[Node | None, list[Issue]]:
    """Read one YAML file that holds a mapping.

    Returns
    -------
    tuple
        The mapping, or None if there is none that makes sense, and everything that is wrong, in the order of the file.
    """
    place = Issue(origin.label, 1, 1, "", "")
    try:
        if path.is_dir():
            return None, [replace(place, problem="is a directory", allowed="a scenario is one YAML file")]
        size = path.stat().st_size
        if size > _MAX_FILE_BYTES:
            return None, [_too_large(origin, size)]
        data = path.read_bytes()
    except FileNotFoundError:
        return None, [replace(place, problem="there is no such file")]
    except (OSError, ValueError) as error:
        return None, [replace(place, problem=f"cannot be read: {getattr(error, 'strerror', None) or error}")]
    text, issues = decode(data, origin.label)
    if text is None:
        return None, issues
    root, found = read_text(text, origin)
    issues += found
    if root is not None and not isinstance(root.value, dict):
        if not root.is_refused:
            what = "is empty" if root.value is None else "holds no keys"
            issues.append(replace(place, problem=what, allowed="a scenario is a mapping: a `key: value` on each line"))
        return None, issues
    return root, issues


def read_text(text: str, origin: Origin) -> tuple[Node | None, list[Issue]]:
    """Read YAML text that holds one value; an empty text is a null.

    Returns
    -------
    tuple
        The value, or None after a syntax error, and everything that is wrong, in the order of the text.
    """
    cuts: set[nesting.Place] = set()
    if len(text) > MAX_BYTES:
        text, found = nesting.cut_indentation(text)
        cuts.update(found)
        if (size := len(text.encode())) > MAX_BYTES:
            return None, [_too_large(origin, size)]
    text, found = nesting.cut_flow_runs(text)
    cuts.update(found)
    while True:
        builder = Builder(origin, cuts)
        root: Node | None = None
        try:
            builder.read(text)
            root = builder.root
        except TooDeepError as error:
            if len(cuts) < _MAX_CUTS:
                text, place = _cut(text, error)
                cuts.add(place)
                continue
            mark = error.event.start_mark
            said = ("nested too deeply once more", "the file was not read further")
            builder.issues.append(_at(builder, mark.line + 1, mark.column + 1, *said))
        except MarkedYAMLError as error:
            builder.issues.append(_at(builder, *syntax_problem(error)))
        except (ValueError, OverflowError):  # the library lets these through for \U00110000
            line, column = builder.place
            said = ("an escape that is no character", "write the character itself")
            builder.issues.append(_at(builder, line + 1, column + 1, *said))
        except StoppedError:
            pass
        return root, sorted(builder.issues, key=lambda issue: (issue.line, issue.column))


def _cut(text: str, error: TooDeepError) -> tuple[str, nesting.Place]:
    mark = error.event.start_mark
    if error.outermost is None:
        return nesting.cut_block(text, mark.line, mark.column, is_sequence=error.is_sequence)
    return nesting.cut_flow(text, mark.index, error.outermost)


def _at(builder: Builder, line: int, column: int, problem: str, allowed: str) -> Issue:
    path = builder.path()[:3]
    while path and isinstance(path[-1], int):  # how far a list was read says nothing
        path = path[:-1]
    return Issue(builder.origin.label, line, column, join(path), problem, allowed)


def _too_large(origin: Origin, size: int) -> Issue:
    allowed = f"at most {MAX_BYTES:,} bytes; tables belong into CSV or parquet files"
    return Issue(origin.label, 1, 1, "", f"{size:,} bytes are too many for a scenario", allowed)
