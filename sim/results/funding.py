"""In words, whose money a lender's loans were: partners, investors and insurers, and what they paid and were paid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sim.results.headline import say, say_number
from sim.results.measure import yuan
from sim.results.metrics import BY_NAME

if TYPE_CHECKING:
    from sim.results.run import Run


def say_funding(run: Run, lender: str) -> Iterator[str]:
    """Yield sentences on a lender's money: its bank debt, and who else holds a part of its loans."""
    from sim.results.ledger import Ledger

    book, values = Ledger(run, lender), run.summaries[lender]

    def told(name: str) -> str:
        return say(BY_NAME[name], values[name])

    if book.total("bank_debt_fen"):
        yield (
            f"Its bank debt was {values['leverage']:.2f} of its net capital on average and cost "
            f"{told('cost_of_funds')}."
        )
    if book.total("partner_balance_fen"):
        paid = book.total("guarantee_fen")
        guarantee = f" Under its guarantee it paid the partner {_yuan(paid)}." if paid else ""
        yield (
            f"A partner bank held {_yuan(book.total('partner_balance_fen') // book.n_days)} of the balance on average, "
            f"was passed {_yuan(book.total('passed_on_fen', 'passed_penalty_fen'))} of interest and penalties, bore "
            f"{_yuan(book.total('passed_loss_fen'))} of losses and paid {told('servicing_fees')} for the service; "
            f"{told('own_balance_mean')} were the lender's own.{guarantee}"
        )
    if book.total("senior_notes_fen"):
        yield (
            f"Investors in its securities held {told('securities_mean')} on average, backed by "
            f"{_yuan(book.total('pool_balance_fen') // book.n_days)} of its loans, and were due "
            f"{_yuan(book.total('senior_interest_fen'))} of interest; its junior pieces earned it "
            f"{told('junior_result')}. Bank debt and securities together cost {told('cost_of_funds_all')}."
        )
    if book.total("premium_fen"):
        yield f"Credit insurance cost it {told('premiums')} and paid it {told('claims')} on what was written off."


def _yuan(fen: int) -> str:
    return f"{say_number(yuan(fen))} yuan"
