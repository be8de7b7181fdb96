"""The tree of a YAML file, built from events without recursion, with a line and a column for every key and value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from sim.engine.inputs.nesting import MAX_DEPTH, Place
from sim.engine.inputs.text import Refusal, plain_scalar, shown
from sim.errors import Issue

MAX_NODES = 10_000

Steps = tuple[str | int, ...]
"""A path into the tree: keys, and positions in lists."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where text came from: ``label`` in error lines, ``short`` in provenance, ``folder`` for relative paths."""

    label: str
    short: str
    folder: Path


@dataclass(slots=True)
class Node:
    """One value of a file with its place (lines and columns from 1).

    Parameters
    ----------
    value
        A scalar (str, int, float, bool, None), a dict of nodes by key, or a list of nodes.
    key_line, key_column
        Place of the key before it; 0 in a list and at the top.
    in_flow
        Written inside braces or brackets.
    is_alias
        It is an alias, which nothing follows.
    is_refused
        An issue about this value is noted already; no more need be said of it.
    holds_cut
        It, or something below it, was nested too deeply and cut away.
    is_removal
        A null that removed an inherited key.
    """

    value: Any
    origin: Origin
    line: int
    column: int
    key_line: int = 0
    key_column: int = 0
    in_flow: bool = False
    is_alias: bool = False
    is_refused: bool = False
    holds_cut: bool = False
    is_removal: bool = False

    def at_key(self) -> tuple[int, int]:
        """Line and column of the key, or of the value where there is no key."""
        return (self.key_line, self.key_column) if self.key_line else (self.line, self.column)


def join(path: Steps) -> str:
    """Write a path as a reader would: ``lenders.ali.allocation[0]``."""
    parts: list[str] = []
    for step in path:
        parts.append(f"[{step}]" if isinstance(step, int) else ("." if parts else "") + shown(step))
    return "".join(parts)


class StoppedError(Exception):
    """The file is not worth reading further; the reason is noted among the issues."""


class TooDeepError(Exception):
    """A collection passed the cap on depth; ``event`` began it, ``outermost`` is the first open bracket, if any."""

    def __init__(self, event: Any, outermost: int | None) -> None:
        super().__init__()
        self.event = event
        self.outermost = outermost
        self.is_sequence = isinstance(event, SequenceStartEvent)


@dataclass(slots=True)
class _Frame:
    """A collection that is being read; ``key`` waits for its value."""

    node: Node
    index: int
    key: Node | None = None
    drops: bool = False


@dataclass
class Builder:
    """Builds the tree of one text and notes everything that is refused.

    Parameters
    ----------
    origin
        Where the text came from.
    cuts
        Places where something too deep was cut away and null put in its place.
    """

    origin: Origin
    cuts: set[Place]
    issues: list[Issue] = field(default_factory=list)
    root: Node | None = None

    def __post_init__(self) -> None:
        self._frames: list[_Frame] = []
        self._anchors: dict[str, tuple[Node, Steps]] = {}
        self._used: set[str] = set()
        self._n_nodes = 0
        self.place: Place = (0, 0)
        self._n_documents = 0

    def read(self, text: str) -> None:
        """Read the whole text into ``root``.

        Raises
        ------
        TooDeepError, StoppedError, ruamel.yaml.error.MarkedYAMLError
        """
        events: Iterator[Event] = YAML(typ="safe", pure=True).parse(text)
        for event in events:
            self.place = (event.start_mark.line, event.start_mark.column)
            if isinstance(event, CollectionStartEvent):
                self._begin(event)
            elif isinstance(event, CollectionEndEvent):
                self._end()
            elif isinstance(event, ScalarEvent):
                self._complete(self._scalar(event))
            elif isinstance(event, AliasEvent):
                self._complete(self._alias(event))
            elif isinstance(event, DocumentStartEvent):
                self._document(event)
        for name, (node, path) in self._anchors.items():
            if name not in self._used:
                self._refuse(node, f"an anchor (&{shown(name)}) is not allowed", "leave it out", path)
        if self.root is None:
            self.root = Node(None, self.origin, 1, 1)

    def path(self) -> Steps:
        """Path of the value that is being read."""
        steps: list[str | int] = []
        for frame in self._frames:
            if isinstance(frame.node.value, list):
                steps.append(len(frame.node.value))
            elif frame.key is not None:
                steps.append(str(frame.key.value))
        return tuple(steps)

    def _document(self, event: DocumentStartEvent) -> None:
        self._n_documents += 1
        node = self._node(None, event)
        if self._n_documents > 1:
            self._refuse(node, "a second document begins here", "one file is one scenario: leave out `---`")
            raise StoppedError
        if event.version is not None and tuple(event.version) != (1, 2):
            version = ".".join(str(part) for part in event.version)
            self._refuse(Node(None, self.origin, 1, 1), f"asks for YAML {version}", "scenarios are YAML 1.2")

    def _begin(self, event: Any) -> None:
        if len(self._frames) >= MAX_DEPTH:
            raise TooDeepError(event, next((one.index for one in self._frames if one.node.in_flow), None))
        node = self._node({} if isinstance(event, MappingStartEvent) else [], event)
        node.in_flow = bool(event.flow_style)
        self._frames.append(_Frame(node, event.start_mark.index))

    def _end(self) -> None:
        self._complete(self._frames.pop().node)

    def _scalar(self, event: Any) -> Node:
        is_plain = event.style is None
        node = self._node(event.value, event)
        frame = self._frames[-1] if self._frames else None
        if frame is not None and isinstance(frame.node.value, dict) and frame.key is None:
            return node  # a key is a word, whatever it looks like
        if is_plain and not event.value and frame is not None and frame.key is not None:
            node.line, node.column = frame.key.line, frame.key.column  # the parser puts nothing at the next word
        if (event.start_mark.line, event.start_mark.column) in self.cuts and event.value == "~":
            node.holds_cut, node.value = True, None
            problem = f"nested more than {MAX_DEPTH} levels deep"
            self._refuse(node, problem, "what is inside was not checked", self.path()[:3])
            return node
        try:
            node.value = plain_scalar(event.value) if is_plain else event.value
        except Refusal as refusal:
            node.value = None
            self._refuse(node, refusal.problem, refusal.allowed)
        if isinstance(node.value, str) and any("\ud800" <= one <= "\udfff" for one in node.value):
            self._refuse(node, "holds half a character (a lone surrogate)", "write the whole character")
            node.value = None
        return node

    def _alias(self, event: Any) -> Node:
        self._used.add(event.anchor)
        return self._node(f"*{event.anchor}", event)

    def _node(self, value: Any, event: Any) -> Node:
        """Make the node of an event, refuse its tag, and remember its anchor."""
        self._n_nodes += 1
        node = Node(value, self.origin, event.start_mark.line + 1, event.start_mark.column + 1)
        if self._n_nodes > MAX_NODES:
            self._refuse(node, f"more than {MAX_NODES:,} values", "tables belong into CSV or parquet files")
            raise StoppedError
        if isinstance(event, AliasEvent):
            node.is_alias = True
        elif getattr(event, "anchor", None):
            self._anchors[event.anchor] = (node, self.path())
        if getattr(event, "tag", None):
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            self._refuse(node, f"a tag ({shown(tag)}) is not allowed", "write the value without it")
        return node

    def _complete(self, node: Node) -> None:
        """Hand a finished value to the collection it stands in."""
        if not self._frames:
            self._refuse_alias(node)
            self.root = node
            return
        frame = self._frames[-1]
        if isinstance(frame.node.value, list):
            self._refuse_alias(node)
            frame.node.value.append(node)
        elif frame.key is None:
            self._take_key(frame, node)
        else:
            self._take_value(frame, frame.key, node)
        frame.node.holds_cut |= node.holds_cut

    def _take_key(self, frame: _Frame, node: Node) -> None:
        frame.drops = True
        frame.key = node
        if isinstance(node.value, dict | list):
            what = "a mapping" if isinstance(node.value, dict) else "a list"
            node.value = "?"
            self._refuse(node, f"{what} as a key", "a key is a word")
        elif node.is_alias:
            self._refuse_alias(node)
        elif node.value == "<<":
            self._refuse(node, "a merge key (<<) is not allowed", "share values with `extends`")
        elif (first := frame.node.value.get(node.value)) is not None:
            self._refuse(node, f"the key is there twice, first on line {first.key_line}", "write each key once")
        else:
            frame.drops = False

    def _take_value(self, frame: _Frame, key: Node, node: Node) -> None:
        if key.value != "<<":  # the alias of a merge key goes with it
            self._refuse_alias(node)
        if not frame.drops:
            node.key_line, node.key_column = key.line, key.column
            frame.node.value[key.value] = node
        frame.key, frame.drops = None, False

    def _refuse_alias(self, node: Node) -> None:
        if node.is_alias:
            self._refuse(node, f"an alias ({shown(node.value)}) is not allowed", "write the value out")
            node.value = None

    def _refuse(self, node: Node, problem: str, allowed: str, path: Steps | None = None) -> None:
        place = join(self.path() if path is None else path)
        self.issues.append(Issue(self.origin.label, node.line, node.column, place, problem, allowed))
        node.is_refused = True
