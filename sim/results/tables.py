"""Tables of a run: taken in as arrow, put in order, read as whole numbers, written as parquet.

While a run is on its way its tables lie in groups of arrow files, which are cheap to write and to read; parquet is what
a finished run keeps.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sim.errors import StoreError
from sim.results.files import beside, count_rows, file_hash, remove, sync_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: How tables are sorted. All but the tape go by date first, so that their segments follow one another.
ORDER = {
    "daily": ("date", "lender"),
    "loans": ("loan_id",),
    "loan_months": ("month_end", "loan_id"),
    "applications": ("date", "lender", "merchant_id", "product"),
    "actions": ("date", "lender", "loan_id", "action"),
    "merchants": ("merchant_id",),
}
#: What a table may be handed over as: an arrow table, a mapping of equally long numpy columns, or a pandas frame.
TableLike = Any
#: The day of what has not happened yet, far in the future.
NO_DATE = np.iinfo(np.int32).max
_ROW_GROUP = 1 << 16
_BATCH = 1 << 13  # rows of an arrow file that are read at a time


def as_arrow(table: TableLike) -> pa.Table:
    """Return any table as a plain arrow table.

    Dictionary columns become plain ones and schema metadata goes, so that two equal frames are stored as equal bytes
    whichever way they were built.

    Parameters
    ----------
    table
        ``pyarrow.Table``, mapping of column name to a numpy array (n,), or pandas DataFrame.
    """
    if not isinstance(table, pa.Table):
        is_columns = isinstance(table, Mapping)
        table = pa.table(dict(table)) if is_columns else pa.Table.from_pandas(table, preserve_index=False)
    plain = pa.schema([pa.field(column.name, _plain_type(column.type)) for column in table.schema])
    return table.replace_schema_metadata(None).cast(plain)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    return pa.string() if pa.types.is_large_string(kind) else kind


def in_order(table: pa.Table, name: str) -> pa.Table:
    """Return a table sorted as `ORDER` says; rows that tie stay as they came, a table in order is not copied."""
    keys = [_sort_key(table[column]) for column in ORDER.get(name, ()) if column in table.column_names]
    if not keys or table.num_rows < 2:
        return table
    is_tied, is_ordered = np.ones(table.num_rows - 1, dtype=bool), True
    for key in keys:
        is_ordered &= not bool((is_tied & (key[1:] < key[:-1])).any())
        is_tied &= key[1:] == key[:-1]
    return table if is_ordered else table.take(np.lexsort(keys[::-1]))


def _sort_key(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return whole numbers that sort as the column does; text by its characters."""
    if pa.types.is_string(column.type) or pa.types.is_dictionary(column.type):
        whole = pa.table({"": column}).unify_dictionaries().column(0).combine_chunks()
        coded = whole if pa.types.is_dictionary(whole.type) else pc.dictionary_encode(whole)
        words = np.array(["", *coded.dictionary.to_pylist()], dtype=str)  # the first stands for a missing one
        ranks = np.argsort(np.argsort(words, kind="stable"))
        return np.asarray(ranks[whole_numbers(coded.indices, missing=-1) + 1], dtype=np.int64)
    return whole_numbers(column)


def whole_numbers(column: pa.ChunkedArray | pa.Array, missing: int = 0) -> NDArray[np.int64]:
    """Return a column of whole numbers, of yes and no, or of dates (as days since 1970-01-01) as int64, (n,)."""
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.date32()).cast(pa.int32())
    array = column.cast(pa.int64())
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    # By the buffers: `to_numpy` and `fill_null` would load pandas, which costs more than everything else here.
    rows = slice(array.offset, array.offset + len(array))
    valid, data = array.buffers()
    values = np.frombuffer(data or b"", dtype=np.int64)[rows]
    if array.null_count == 0:
        return values
    bits = np.unpackbits(np.frombuffer(valid, dtype=np.uint8), bitorder="little")
    return np.where(bits[rows] == 1, values, missing)


def day_numbers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return a date column as days since 1970-01-01, (n,); a missing date is far in the future."""
    return whole_numbers(column, missing=NO_DATE)


def is_text(column: pa.ChunkedArray, text: str) -> NDArray[np.bool_]:
    """Return which rows of a text column are this text, (n,)."""
    coded = pc.dictionary_encode(column.combine_chunks())
    words = coded.dictionary.to_pylist()
    return np.equal(whole_numbers(coded.indices, missing=-1), words.index(text) if text in words else -2)


def write_group(folder: Path, tables: Mapping[str, TableLike], *, keeps_order: bool = False) -> None:
    """Write tables into a folder that gets its name when it is whole; with `keeps_order` rows stay where they are."""
    unnamed = beside(folder)
    remove(unnamed)
    remove(folder)
    unnamed.mkdir(parents=True)
    for name, table in tables.items():
        whole = table.unify_dictionaries() if isinstance(table, pa.Table) else as_arrow(table)
        whole = whole if keeps_order else in_order(whole, name)
        path = unnamed / f"{name}.arrow"
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, whole.schema) as writer:
            writer.write_table(whole, max_chunksize=_BATCH)
    os.replace(unnamed, folder)


def seal_group(folder: Path) -> dict[str, dict[str, Any]]:
    """Make the arrow files of a group outlive a power cut; return by table the ``rows``, ``bytes`` and ``sha256``."""
    sealed = {path.stem: _written(path, count_rows(path)) for path in sorted(folder.glob("*.arrow"))}
    sync_folder(folder)
    sync_folder(folder.parent)
    return sealed


def read_arrow(path: Path) -> Iterator[pa.Table]:
    """Read an arrow file piece by piece; a table without rows is one piece."""
    with pa.OSFile(str(path), "rb") as source, pa.ipc.open_file(source) as file:
        if file.num_record_batches == 0:
            yield file.schema.empty_table()
        for place in range(file.num_record_batches):
            yield pa.Table.from_batches([file.get_batch(place)])


def _written(path: Path, rows: int) -> dict[str, Any]:
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return {"rows": rows, "bytes": path.stat().st_size, "sha256": file_hash(path)}


def write_parquet(path: Path, name: str, parts: list[pa.Table | Path]) -> dict[str, Any]:
    """Write the parts of one table into a file, sorted and fsynced; return its ``rows``, ``bytes`` and ``sha256``.

    Parameters
    ----------
    name
        The table's name, which says how it is sorted; "" keeps the rows where they are.
    parts
        Tables, or arrow files that hold them in order, earlier rows first.

    Raises
    ------
    StoreError
        If the parts differ in their columns or in the type of one.
    """
    schema = _common_schema(name, [_schema_of(part) for part in parts])
    text = [column.name for column in schema if pa.types.is_string(column.type)]
    rows = 0
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=text) as writer:
        for piece in _rechunk(_merged(parts, name) if name == "loans" else _in_turn(parts, name), schema):
            writer.write_table(piece, row_group_size=_ROW_GROUP)
            rows += piece.num_rows
    return _written(path, rows)


def _schema_of(part: pa.Table | Path) -> pa.Schema:
    if isinstance(part, pa.Table):
        return part.schema
    with pa.OSFile(str(part), "rb") as source, pa.ipc.open_file(source) as file:
        return file.schema


def _common_schema(name: str, schemas: list[pa.Schema]) -> pa.Schema:
    """One schema for all parts; a column still without a value (type null) takes its type from the others."""
    first = schemas[0]
    for other in schemas[1:]:
        if other.names != first.names:
            odd = sorted(set(other.names) ^ set(first.names)) or "their order"
            raise StoreError(f"table {name}: the columns changed between two checkpoints: {odd}")
    known: list[pa.Field] = []
    for position, column in enumerate(first.names):
        kinds = {_plain_type(schema.types[position]) for schema in schemas} - {pa.null()}
        if len(kinds) > 1:
            raise StoreError(f"table {name}: column {column} changed its type: {', '.join(sorted(map(str, kinds)))}")
        known.append(pa.field(column, kinds.pop() if kinds else pa.null()))
    return pa.schema(known)


def _rechunk(pieces: Iterator[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the rows of all pieces in pieces of one size, so that bytes do not tell where checkpoints were."""
    waiting = schema.empty_table()
    for piece in pieces:
        waiting = pa.concat_tables([waiting, piece.cast(schema)])
        while waiting.num_rows >= _ROW_GROUP:
            yield waiting.slice(0, _ROW_GROUP).combine_chunks()
            waiting = waiting.slice(_ROW_GROUP)
    if waiting.num_rows:
        yield waiting.combine_chunks()


def _in_turn(parts: list[pa.Table | Path], name: str) -> Iterator[pa.Table]:
    """Yield the parts of a table whose earlier rows lie in earlier parts, each in order."""
    for part in parts:
        yield from [in_order(part, name)] if isinstance(part, pa.Table) else read_arrow(part)


def _merged(parts: list[pa.Table | Path], name: str) -> Iterator[pa.Table]:
    """Yield the parts of a table in which an early row may be written late, as a loan is when it ends.

    Every part is in order: whatever comes up to the least of their next ends can be put in order and given out.
    """
    (key,) = ORDER[name]
    streams = [_in_turn([part], name) for part in parts]
    first = [(stream, next((piece for piece in stream if piece.num_rows), None)) for stream in streams]
    heads = [(stream, piece, whole_numbers(piece[key])) for stream, piece in first if piece is not None]
    while heads:
        end = min(keys[-1] for _, _, keys in heads)
        ready, left = [], []
        for stream, piece, keys in heads:
            count = int(np.searchsorted(keys, end, side="right"))
            ready.append(piece.slice(0, count))
            rest = piece.slice(count) if count < len(keys) else next((p for p in stream if p.num_rows), None)
            if rest is not None:
                left.append((stream, rest, keys[count:] if count < len(keys) else whole_numbers(rest[key])))
        yield in_order(pa.concat_tables(ready, promote_options="permissive").combine_chunks(), name)
        heads = left
