"""The records of a study survive being cut anywhere, and are refused where they were changed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from sim.errors import StoreError
from sim.study import records
from sim.study.records import RECORDS, Record, Records, read_records


def record(number: int, *, failed: bool = False) -> Record:
    measures = {"disbursed": 10**15 + number, "npl90": 0.1 + number / 7, "roe": None}
    summaries = None if failed else {"ali": measures, "bank": measures}
    return Record(f"key{number}", number, "scenario", "0.1.0+abc", summaries, "bad" if failed else "", "trace\nback 元")


def write(folder: Path, n: int) -> bytes:
    file = Records(folder)
    for number in range(n):
        file.add(record(number, failed=number == 1))
    file.close()
    return (folder / RECORDS).read_bytes()


def test_what_is_written_is_read_back_to_the_bit(tmp_path: Path) -> None:
    write(tmp_path, 3)
    assert read_records(tmp_path) == [record(0), record(1, failed=True), record(2)]


def test_cut_at_every_byte_of_the_last_record_the_others_stand(tmp_path: Path) -> None:
    whole = write(tmp_path, 3)
    before = len(whole) - len(record(2).line())
    for size in range(before, len(whole)):
        (tmp_path / RECORDS).write_bytes(whole[:size])
        file = Records(tmp_path)
        assert set(file.kept) == {"key0", "key1"}
        file.add(record(2))
        file.close()
        assert (tmp_path / RECORDS).read_bytes() == whole


def test_a_last_line_of_rubbish_is_cut_off(tmp_path: Path) -> None:
    whole = write(tmp_path, 2)
    (tmp_path / RECORDS).write_bytes(whole + b"\0" * 300 + b"\n")
    file = Records(tmp_path)
    file.close()
    assert (tmp_path / RECORDS).read_bytes() == whole


def test_a_changed_line_before_the_last_is_refused_by_its_number(tmp_path: Path) -> None:
    whole = write(tmp_path, 3)
    (tmp_path / RECORDS).write_bytes(whole.replace(b"key1", b"key9"))
    with pytest.raises(StoreError, match=r"records.jsonl:2: the line was changed"):
        Records(tmp_path)
    with pytest.raises(StoreError, match=r"records.jsonl:2"):
        read_records(tmp_path)


def test_two_processes_do_not_write_one_study(tmp_path: Path) -> None:
    first = Records(tmp_path)
    with pytest.raises(StoreError, match="another process"):
        Records(tmp_path)
    first.close()
    Records(tmp_path).close()


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = write(tmp_path, 2)
    file = Records(tmp_path)

    def half(handle: int, data: bytes) -> int:
        return real(handle, data[: len(data) // 2])

    real = os.write
    monkeypatch.setattr(records.os, "write", half)
    with pytest.raises(StoreError, match="No space left on device; the 2 runs recorded before are safe"):
        file.add(record(2))
    assert (tmp_path / RECORDS).read_bytes() == whole

    def full(handle: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(records.os, "write", full)
    with pytest.raises(StoreError, match="the same command goes on"):
        file.add(record(2))
    monkeypatch.setattr(records.os, "write", real)
    file.add(record(2))
    file.close()
    assert read_records(tmp_path)[-1] == record(2)


def test_a_number_that_is_not_finite_is_undefined(tmp_path: Path) -> None:
    odd = Record("k", 1, "s", "c", {"ali": {"a": float("nan"), "b": float("inf"), "c": 2}})
    file = Records(tmp_path)
    file.add(odd)
    file.close()
    assert read_records(tmp_path)[0].summaries == {"ali": {"a": None, "b": None, "c": 2}}
