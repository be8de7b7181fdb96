"""The report: a page that stands alone, says what the measures say, and lets no word of a scenario into its markup."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from paper_run import busy_run, manifest, no_credit_run, scenario, twelve_run, twelve_tables

from sim.errors import StoreError
from sim.results.metrics import MEASURES
from sim.results.report import render, say_lender, say_market, write_report
from sim.results.run import Run


class Page(HTMLParser):
    """The tags, ids, links and words of a page."""

    VOID = frozenset({"meta", "br", "hr", "img", "link", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.labels: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name == "id":
                self.ids.append(value or "")
            if name in {"href", "xlink:href", "src", "action", "data", "srcset"}:
                self.links.append(value or "")
            if name == "aria-label" and tag == "svg":
                self.labels.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def busy() -> str:
    return render(busy_run())


def test_the_page_needs_nothing_but_itself(busy: str) -> None:
    page = Page(busy)
    assert page.open == []
    assert not {"script", "link", "iframe", "img", "object", "embed", "base"} & set(page.tags)
    assert all(link.startswith("#") for link in page.links)
    assert "http" not in busy
    assert "@import" not in busy
    assert "@font-face" not in busy
    assert "url(" not in busy.replace("url(#", "")
    assert len(busy.encode()) < 5_000_000


def test_ids_are_unique_and_links_lead_somewhere(busy: str) -> None:
    page = Page(busy)
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)


def test_every_picture_is_described(busy: str) -> None:
    page = Page(busy)
    assert page.tags.count("svg") == page.tags.count("figcaption") == len(page.labels) == 7
    assert all(len(label) > 40 for label in page.labels)


def test_words_of_the_scenario_are_escaped(busy: str) -> None:
    assert "<rivals>" not in busy
    assert "A busy lender &amp; his &lt;rivals&gt;" in busy
    evil = '"><script>alert(1)</script>'
    told = scenario(about={"title": evil, "question": evil, "lesson": evil, "source": evil}, merchants={evil: evil})
    tables = twelve_tables()
    page = render(Run.from_tables(tables, manifest(notes=[evil], provenance={f"merchants.{evil}": evil}), told))
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 8


def test_the_page_tells_the_measures_and_where_values_came_from(busy: str) -> None:
    words = " ".join(Page(busy).words)
    for measure in MEASURES:
        assert measure.name in words
        assert measure.formula in words
    row = '<code>{}</code></th><td>{}</td><td class="origin">{}</td>'
    assert row.format("merchants.number", "50", "base.yaml:4") in busy
    assert row.format("lenders.ali.equity", "100,000 yuan", "--set") in busy
    left = busy[busy.index("At their defaults") :]
    assert row.format("calendar.start", "2012-01-01", "default") in left
    assert "lenders.ali.equity" not in left
    assert "matured loans only" in words
    assert "Seed" in words
    assert "made by version 0.1.0+test" in words


def test_the_same_run_gives_the_same_page() -> None:
    assert render(twelve_run()) == render(twelve_run())


def test_sentences_say_the_paper() -> None:
    told = " ".join(say_lender(twelve_run(), "ali")) + " " + say_market(twelve_run())
    for words in (
        "From 1 February 2012 to 30 June 2012 (151 days) ali paid out 95,000 yuan in 8 loans, 11,875 yuan each",
        "8 merchants had ever borrowed by the end, 5 of them for the first time",
        "59,616 yuan out on average and 65,000 yuan at the end; 39.74 % of the money it could lend was out, and 2 appl",
        "earned 17.77 % a year before losses and -25.33 % a year after losses",
        "the loss was 8,360 yuan, a return on equity of -20.21 % a year",
        "At the end 9.23 % of the balance was 90 or more days past due",
        "old enough to judge, 13.95 % went 90 days past due or was written off",
        "sold 158,500 yuan, 10.0 % more in the second half of the days than in the first; 3 left the market",
    ):
        assert words in told, words


def test_sentences_without_loans_and_without_lender() -> None:
    tables = twelve_tables()
    daily = tables["daily"].to_pandas()
    daily[[name for name in daily if name not in {"date", "lender", "equity_fen"}]] = 0
    idle = Run.from_tables(
        tables | {"daily": daily, "loans": tables["loans"][:0], "loan_months": tables["loan_months"][:0]},
        manifest(), scenario(),
    )  # fmt: skip
    told = " ".join(say_lender(idle, "ali"))
    assert "0 loans." in told
    assert "had no money out" in told
    assert "not defined" not in told
    assert render(idle).count("<svg") == 7
    bare = render(no_credit_run())
    assert "No lender works in this world" in bare
    assert bare.count("<svg") == 1
    assert "npl90" not in bare


def test_many_lenders_each_have_a_column_and_some_a_section() -> None:
    lenders = tuple(f"lender_{number}" for number in range(8))
    page = render(busy_run(lenders, n_loans=160))
    assert len(page.encode()) < 5_000_000
    assert all(f">{lender}</th>" in page for lender in lenders)
    assert "Not drawn, to keep the page light: lender_6, lender_7." in page
    assert page.count("<svg") == 1 + 6 * 6
    assert "lender_1: * Ever 90 days past due" in page


def test_where_the_report_goes(tmp_path: Path) -> None:
    run = twelve_run()
    with pytest.raises(StoreError, match="say where to write it"):
        write_report(run)
    saved = run.save(tmp_path / "run")
    assert write_report(saved) == tmp_path / "run" / "report.html"
    assert (tmp_path / "run" / "report.html").read_text(encoding="utf-8") == render(saved)
    assert write_report(run, tmp_path / "elsewhere.html").exists()
