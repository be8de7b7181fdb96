"""Reading YAML: values of the core schema, places, and every forbidden thing refused while the rest is read."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.engine.reading import MAX_BYTES, MAX_DEPTH, MAX_NODES, Node, Origin, read_file, read_text

FILE = Origin("f.yaml", "f.yaml", Path())


def plain(node: Node | None) -> Any:
    assert node is not None
    if isinstance(node.value, dict):
        return {key: plain(inner) for key, inner in node.value.items()}
    if isinstance(node.value, list):
        return [plain(inner) for inner in node.value]
    return node.value


def read(text: str) -> tuple[Any, list[str]]:
    node, issues = read_text(text, FILE)
    return (None if node is None else plain(node)), [str(issue) for issue in issues]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("NaN", "NaN"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("1e-3", 0.001),
        ("1e3", 1000.0),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("-7", -7),
        ("+.5", 0.5),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2012-01-01", "2012-01-01"),
        ("0.05 %/day", "0.05 %/day"),
        ("1,000 yuan", "1,000 yuan"),
        ("'1'", "1"),
        ('"true"', "true"),
        ('"\\u4e07"', "万"),
    ],
)
def test_plain_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: Any):
    found, issues = read(f"key: {text}")
    assert (found, issues) == ({"key": value}, [])
    assert type(found["key"]) is type(value)


def test_every_key_and_value_knows_its_line_and_column():
    root, issues = read_text("a: 1\nb:\n  c: {d: 2, e: [x, yy]}\nf:\ng: 3\n", FILE)
    assert issues == []
    assert root is not None
    d = root.value["b"].value["c"].value["d"]
    assert (d.key_line, d.key_column, d.line, d.column) == (3, 7, 3, 10)
    second = root.value["b"].value["c"].value["e"].value[1]
    assert (second.line, second.column) == (3, 20)
    absent = root.value["f"]
    assert (absent.value, absent.line, absent.column) == (None, 4, 1)


def test_keys_are_words_whatever_they_look_like():
    assert read("1: a\ntrue: b\nnull: c\n1.50: d") == ({"1": "a", "true": "b", "null": "c", "1.50": "d"}, [])


def test_all_that_is_forbidden_is_refused_and_the_rest_is_read():
    text = """\
a: !x 1
b: &q [1]
c: *q
<<: *q
? [a]
: 2
d: .nan
e: -.inf
a: 5
f: &lonely 6
g: {h: !!str x, i: 7}
*q : 8
j: ok
"""
    found, issues = read(text)
    assert issues == [
        "f.yaml:1:4: a: a tag (!x) is not allowed; write the value without it",
        "f.yaml:3:4: c: an alias (*q) is not allowed; write the value out",
        "f.yaml:4:1: <<: a merge key (<<) is not allowed; share values with `extends`",
        "f.yaml:5:3: ?: a list as a key; a key is a word",
        "f.yaml:7:4: d: .nan is not a finite number; write a finite number",
        "f.yaml:8:4: e: -.inf is not a finite number; write a finite number",
        "f.yaml:9:1: a: the key is there twice, first on line 1; write each key once",
        "f.yaml:10:4: f: an anchor (&lonely) is not allowed; leave it out",
        "f.yaml:11:8: g.h: a tag (!!str) is not allowed; write the value without it",
        "f.yaml:12:1: *q: an alias (*q) is not allowed; write the value out",
    ]
    assert (found["a"], found["g"]["i"], found["j"]) == (1, 7, "ok")


def test_a_billion_laughs_cost_nothing():
    text = "a: &a [x, x]\n" + "".join(f"{key}: &{key} [*{last}, *{last}]\n" for last, key in pairwise("abcdefghi"))
    _, issues = read(text)
    assert len(issues) == 16 + 1  # every alias, and the last anchor, which nothing uses


FLOW = {
    "lists": "deep: " + "[" * 2000 + "]" * 2000,
    "mappings": "deep: " + "{a: " * 2000 + "1" + "}" * 2000,
    "lists never closed": "deep: " + "[" * 2000,
    "mappings never closed": "deep: " + "{a: " * 2000,
    "on many lines": "deep:\n  " + "[\n  " * 2000 + "]" * 2000,
}
BLOCK = {
    "mappings": "deep:\n" + "".join("  " * n + "a:\n" for n in range(1, 2000)),
    "mappings indented by one": "deep:\n" + "".join(" " * n + "a:\n" for n in range(1, 2000)),
    "items on one line": "deep:\n  " + "- " * 2000 + "1",
    "lists on many lines": "deep:\n" + "".join("  " * n + "-\n" for n in range(1, 300)),
}


@pytest.mark.parametrize("text", [*FLOW.values(), *BLOCK.values()], ids=[*FLOW, *("block " + name for name in BLOCK)])
def test_deep_nesting_is_one_line_and_what_follows_is_read(text: str):
    found, issues = read(f"before: 1\n{text}\nafter: .nan\nlast: 2\n")
    assert len(issues) == 2
    assert "nested more than 40 levels deep" in issues[0]
    assert issues[0].split(": ")[1].startswith("deep")
    assert int(issues[0].split(":")[1]) > 1
    assert ": after: .nan is not a finite number" in issues[1]
    assert int(issues[1].split(":")[1]) == 3 + text.count("\n")
    assert (found["before"], found["last"]) == (1, 2)


def test_the_cap_on_depth_is_exact():
    at_cap = "a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    over = "a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert read(at_cap)[1] == []
    assert len(read(over)[1]) == 1


def test_brackets_in_comments_and_quotes_are_no_nesting():
    assert read(f"# {'[' * 99}\na: '{'{' * 99}'\nb: 1 # {'[' * 99}") == ({"a": "{" * 99, "b": 1}, [])


def test_several_deep_places_are_each_named():
    deep = "[[1], " * 50 + "1" + "]" * 50
    _, issues = read(f"a: {deep}\nb: {deep}\nc: 1")
    assert {issue.split(":")[1] for issue in issues} == {"1", "2"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\n\tb: 2", "f.yaml:2:1: a tab"),
        ("a: 'x\nb: 2", "f.yaml:1:4: a: a quote is opened and never closed"),
        ("a: b: c", "f.yaml:1:5: a colon where none can stand"),
        ("a: 1\nfoo\nb: 2", "f.yaml:2:1: a line that is no `key: value`"),
        ("a: [1,\n b: 2", "f.yaml:2:6: a: a list in brackets is not closed"),
        ("a: {b: 1\nc: 2", "f.yaml:2:2: a: a mapping in braces is not closed"),
        ("a: @x", "f.yaml:1:4: a: a character that cannot stand here"),
        ("a: 1\n---\nb: 2", "f.yaml:2:1: a second document begins here"),
        ("%YAML 1.1\n---\na: 1", "f.yaml:1:1: asks for YAML 1.1"),
        ('a: "\\ud800"', "f.yaml:1:4: a: holds half a character"),
        ("a: " + "9" * 5000, "f.yaml:1:4: a: a number of 5,000 characters"),
        ('b: 1\na: "\\U00110000"', "f.yaml:2:1: a: an escape that is no character"),
        ("a: 1e999", "f.yaml:1:4: a: 1e999 is too large for a number"),
    ],
)
def test_mistakes_of_form_are_said_in_plain_english(text: str, said: str):
    _, issues = read(text)
    assert len(issues) == 1
    assert issues[0].startswith(said)


def test_too_many_values_or_bytes_are_refused():
    node, issues = read_text("".join(f"k{n}: 1\n" for n in range(MAX_NODES)), FILE)
    assert node is None
    assert [issue.problem for issue in issues] == [f"more than {MAX_NODES:,} values"]
    node, issues = read_text("a: " + "x" * MAX_BYTES, FILE)
    assert node is None
    assert [(issue.line, issue.column) for issue in issues] == [(1, 1)]
    assert "bytes are too many" in issues[0].problem


def _read_bytes(tmp_path: Path, data: bytes) -> tuple[Any, list[str]]:
    path = tmp_path / "s.yaml"
    path.write_bytes(data)
    node, issues = read_file(path, Origin("s.yaml", "s.yaml", tmp_path))
    return (None if node is None else plain(node)), [str(issue) for issue in issues]


def test_bytes_that_are_no_text_are_placed(tmp_path: Path):
    found, issues = _read_bytes(tmp_path, b"a: 1\nb: caf" + b"\xe9\nc: .nan\n")
    assert [issue.partition(" ")[0] for issue in issues] == ["s.yaml:2:7:", "s.yaml:3:4:"]
    assert found["a"] == 1
    assert _read_bytes(tmp_path, "a: 1".encode("utf-16"))[1][0].startswith("s.yaml:1:1: is not UTF-8 text")
    assert _read_bytes(tmp_path, b"a: \x07b\nc: .inf")[1][0].startswith(
        "s.yaml:1:4: holds the control character U+0007"
    )
    assert _read_bytes(tmp_path, "a: 一".encode("utf-8-sig")) == ({"a": "一"}, [])
    assert _read_bytes(tmp_path, b"a: 1\r\nb: 2\rc: 3") == ({"a": 1, "b": 2, "c": 3}, [])


@pytest.mark.parametrize("data", [b"", b"\n\n", b"# only words\n", b"---\n"])
def test_an_empty_file_is_refused_on_its_first_line(tmp_path: Path, data: bytes):
    assert _read_bytes(tmp_path, data)[1][0].startswith("s.yaml:1:1: is empty")


def test_what_is_no_file_or_no_mapping_is_refused(tmp_path: Path):
    assert _read_bytes(tmp_path, b"- a\n- b")[1][0].startswith("s.yaml:1:1: holds no keys")
    origin = Origin("d", "d", tmp_path)
    assert str(read_file(tmp_path, origin)[1][0]).startswith("d:1:1: is a directory")
    assert str(read_file(tmp_path / "none.yaml", origin)[1][0]).startswith("d:1:1: there is no such file")
    assert str(read_file(Path("a\0b"), origin)[1][0]).startswith("d:1:1: cannot be read")


@settings(max_examples=300)
@given(st.text(alphabet="ab: \n-[]{},'\"#&*!|>?%@~1.\t<", max_size=60))
def test_any_text_gives_a_tree_or_an_issue_and_never_a_crash(text: str):
    node, issues = read_text(text, FILE)
    assert node is not None or issues
    for issue in issues:
        assert 1 <= issue.line <= text.count("\n") + 2
        assert "\n" not in str(issue)
