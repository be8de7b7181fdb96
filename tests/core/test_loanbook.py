"""The loan book: of one merchant's loans the older come first, whatever comes and goes; a checkpoint brings it back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sim.core.loanbook import (
    ACTIVE,
    LOAN,
    LOAN_COLUMNS,
    LOANS_A_MERCHANT,
    PAID_OFF,
    PRODUCTS,
    STATUSES,
    WRITTEN_OFF,
    LoanBook,
    billed,
)
from sim.core.merchants import STAGES


def loans(first: int, n: int) -> dict[str, npt.NDArray[Any]]:
    """Columns of ``n`` loans that are told apart by every value."""
    number = np.arange(first, first + n)
    return {
        "loan_id": number * LOANS_A_MERCHANT + 1,
        "principal": number * 1000,
        "balance": number * 1000 - 1,
        "pledged": np.outer(number, np.arange(1, STAGES + 1)).astype(float),
        "advance": number / 7.0,
        "is_first": number % 2 == 0,
    }


def a_book(*batches: int) -> LoanBook:
    book, first = LoanBook(), 1
    for n in batches:
        book.append(**loans(first, n))
        first += n
    return book


def test_the_book_grows_and_keeps_the_order_of_opening() -> None:
    book = a_book(3, 200, 1, 400, 5000)
    expected = loans(1, 5604)
    assert book.n == 5604
    for name, column in expected.items():
        assert np.array_equal(book[name], column.astype(LOAN[name].base))
    for name, _, _, _ in LOAN_COLUMNS:
        if name not in expected:
            assert not book[name].any()
    assert book["balance"].dtype == np.int64
    assert book["pledged"].shape == (5604, STAGES)


def test_a_column_is_the_book_itself() -> None:
    book = a_book(3)
    book["balance"][1] = 77
    assert book.records["balance"][1] == 77
    assert book["balance"].size == 3


def test_single_values_and_nothing_at_all_can_be_appended() -> None:
    book = LoanBook()
    book.append(loan_id=5, principal=100, lender=[1])
    assert (book.n, book["lender"][0], book["principal"][0]) == (1, 1, 100)
    book.append(loan_id=[])
    book.append(loan_id=[6, 7], rate=182_500)
    assert book["rate"].tolist() == [0, 182_500, 182_500]


def test_an_unknown_column_is_refused() -> None:
    with pytest.raises(ValueError, match="blance"):
        LoanBook().append(loan_id=[1], blance=[2])


def test_closed_loans_are_taken_whole_and_the_others_keep_their_order() -> None:
    book = a_book(1000)
    gone = np.arange(1000) % 3 == 1
    book["status"][gone] = PAID_OFF
    book.n_closed = int(gone.sum())
    book["status"][5] = WRITTEN_OFF  # recoveries go on, so it stays
    taken = book.take_closed()
    gone[5] = False
    expected = loans(1, 1000)
    assert taken.keys() == set(LOAN.names or ())
    for name, column in expected.items():
        assert np.array_equal(taken[name], column[gone].astype(LOAN[name].base))
        assert np.array_equal(book[name], column[~gone].astype(LOAN[name].base))
    assert (taken["status"] == PAID_OFF).all()
    assert taken["loan_id"].size + book.n == 1000
    assert book.take_closed() == {}


def test_a_row_that_is_used_again_remembers_nothing() -> None:
    book = a_book(10)
    book["dpd"][:] = 99
    book["status"][:] = PAID_OFF
    book.n_closed = 10
    taken = book.take_closed()
    assert (taken["dpd"] == 99).all()
    book.append(loan_id=[1])
    assert [name for name in LOAN.names or () if book[name].any()] == ["loan_id"]
    assert (taken["dpd"] == 99).all()  # the taken columns are copies


def test_rows_are_only_moved_when_it_is_worth_it() -> None:
    book = a_book(100)
    book["status"][:19] = PAID_OFF
    book.n_closed = 19
    assert book.take_closed() == {}
    assert book.n == 100
    book["status"][19] = PAID_OFF
    book.n_closed = 20
    assert book.take_closed()["loan_id"].size == 20
    assert (book.n, book.n_closed, LoanBook().take_closed()) == (80, 0, {})


def test_positions_by_merchant_hold_whatever_comes_and_goes() -> None:
    """Against a plain sort: rows in turn, and of one merchant's loans the older first."""
    rng = np.random.Generator(np.random.Philox(3))
    book, first = LoanBook(), 1
    for _ in range(40):
        n = int(rng.integers(0, 60))
        book.append(**loans(first, n), row=rng.integers(0, 50, n))
        first += n
        gone = (rng.random(book.n) < 0.06) & (book["status"] == ACTIVE)
        book["status"][gone] = PAID_OFF
        book.n_closed += int(gone.sum())
        left = {int(loan) for loan in book["loan_id"]}
        taken = {int(loan) for loan in book.take_closed().get("loan_id", ())}
        assert {int(loan) for loan in book["loan_id"]} == left - taken
        assert np.array_equal(book.order, np.lexsort((book["loan_id"], book["row"])))
        assert np.array_equal(book.rows, book["row"][book.order])
        assert np.array_equal(book["balance"], book["loan_id"] // LOANS_A_MERCHANT * 1000 - 1)


def test_a_checkpoint_brings_the_book_back() -> None:
    book = a_book(700)
    book["accrued"][:] = np.arange(700) * 10**15
    book["status"][::2] = PAID_OFF
    book.n_closed = 350
    book.take_closed()
    state = book.state()
    again = a_book(3)
    again.restore(state)
    assert again.n == book.n == 350
    for name in LOAN.names or ():
        assert np.array_equal(again[name], book[name])
        assert again[name].dtype == book[name].dtype
    book["balance"][0] += 1  # the state is a copy
    assert state["balance"][0] == again["balance"][0] != book["balance"][0]
    for grown in (book, again):
        grown.append(**loans(5000, 3))
    assert np.array_equal(again["loan_id"], book["loan_id"])
    empty = LoanBook()
    empty.restore(LoanBook().state())
    assert empty.n == 0


def test_interest_is_billed_half_up() -> None:
    upf = 365 * 10**6
    halves = np.array([0, upf // 2 - 1, upf // 2, upf, 3 * upf // 2, -upf // 2])
    assert [billed.py_func(int(units), upf) for units in halves] == [0, 0, 1, 1, 2, 0]


def test_codes_are_positions_in_their_names() -> None:
    assert (STATUSES[ACTIVE], STATUSES[PAID_OFF], STATUSES[WRITTEN_OFF]) == ("active", "closed", "written_off")
    assert PRODUCTS[:2] == ("order_loan", "revolving_line")
    assert len(set(PRODUCTS)) == len(PRODUCTS) == 10
