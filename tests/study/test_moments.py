"""Figures of merchants: definitions worked out on paper, a run lived again, and files that are refused."""

from __future__ import annotations

import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim.errors import ScenarioError, StoreError
from sim.results.run import Run
from sim.study.moments import ShopDays, moments, of_days
from sim.study.moments.describe import by_bucket, describe, group_of, size
from sim.study.moments.growth import by_month, by_week
from sim.study.moments.inputs import read_orders
from sim.study.moments.keys import REASONS
from sim.study.moments.lags import Orders, black_friday, open_orders, orders, weekday_index
from sim.study.moments.live import confirmation, live_again
from sim.study.moments.platform import cohort, platform_months
from sim.study.moments.rhythm import autocorrelation, common_path, events, windows
from sim.study.moments.sellers import quarters, survival
from sim.study.moments.sizes import sizes
from sim.study.moments.spells import run_lengths, spells, spikes
from sim.world.sales import stage_days

SCENARIO = Path(__file__).parents[2] / "scenarios" / "tiny.yaml"
MONDAY = date(2012, 1, 2)


def shops(*columns: list[float], first: date = MONDAY, **more: Any) -> ShopDays:
    return ShopDays(first, np.array(columns, np.float64).T, **more)


def test_a_spread_divides_by_n_and_its_quantiles_interpolate() -> None:
    found = describe([1.0, 2.0, 3.0, np.nan, 6.0])
    assert (found["n"], found["mean"], found["p50"]) == (4, 3.0, 2.5)
    assert found["sd"] == pytest.approx(np.sqrt((4 + 1 + 0 + 9) / 4))
    assert found["p25"] == 1.75  # a quarter of the way from the first to the last of 1, 2, 3, 6
    assert describe([])["mean"] is None


def test_sizes_of_four_shops() -> None:
    found = size([1.0, 1.0, 2.0, 4.0, 0.0])
    assert (found["n"], found["mean"], found["top20"]) == (4, 2.0, 0.5)  # 0.8 of a shop is one shop, which has 4 of 8
    assert found["gini"] == pytest.approx(2 * (1 + 2 + 6 + 16) / (4 * 8) - 5 / 4)
    assert found["lognorm_mu"] == pytest.approx(0.75 * np.log(2))
    assert found["lognorm_sigma"] == pytest.approx(np.log(2) * np.sqrt((2 * 0.75**2 + 0.25**2 + 1.25**2) / 4))
    assert found["hill_alpha_top10pct"] is None


def test_hill_finds_the_exponent_of_a_pareto_tail() -> None:
    pareto = (np.arange(1, 20_001) / 20_001) ** (-1 / 1.5)
    assert size(pareto)["hill_alpha_top10pct"] == pytest.approx(1.5, rel=0.01)


def test_groups_are_closed_on_the_right() -> None:
    assert group_of(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 2).tolist() == [0, 0, 0, 1, 1]
    names = [name for name, _ in by_bucket([1], (0, 1, 2))]
    assert (names, by_bucket([1], (0, 1, 2))[0][1].tolist()) == (["(0, 1]", "(1, 2]"], [True])
    assert by_bucket([1], (0.0, 1e9))[0][0] == "(0.0, 1000000000.0]"


def test_days_before_the_first_sale_do_not_count() -> None:
    found = sizes(shops([0, 0, 4, 0], [1, 1, 0, 0], value=np.array([10.0, 1.0])))
    assert found["shop_days_since_first_sale"] == 2 + 4
    assert found["zero_day_share_since_first_sale"] == (1 + 2) / 6
    assert found["size_mean_daily_payments"]["mean"] == (2.0 + 0.5) / 2
    assert found["size_last_12_weeks_daily_value"]["mean"] == (10.0 + 0.5) / 2
    assert found["entry_month_of_first_payment"] == {"2012-01": 2}


def test_a_day_on_which_nobody_of_twenty_sells_is_missing() -> None:
    table = np.ones((5, 20))
    table[2] = 0.0
    assert ShopDays(MONDAY, table).is_recorded.tolist() == [True, True, False, True, True]
    assert ShopDays(MONDAY, table[:, :19]).is_recorded.all()  # of fewer, all may have had a slow day


def test_a_table_with_a_shop_that_never_sold_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one order"):
        shops([0, 0], [1, 0])


def test_closures_end_with_a_sale() -> None:
    closed = [1.0, *[0.0] * 7, 2.0, *[0.0] * 6, 1.0, *[0.0] * 15]
    found = spells(shops(closed, [1.0] * 31))
    assert found["closure_spell_days_given_7plus"]["n"] == 1
    assert found["closure_spell_days_given_7plus"]["mean"] == 7.0
    assert found["closure_spells_7d_plus_per_shop_month"] == pytest.approx(30.4 / 62)
    assert (found["share_shops_silent_last_14d"], found["share_shops_silent_last_28d"]) == (0.5, 0.0)


def test_runs_are_counted_down_each_column() -> None:
    assert sorted(run_lengths(np.array([[1, 0], [1, 1], [0, 1], [1, 1]], bool)).tolist()) == [1, 2, 3]


def test_spikes_stand_over_the_local_median() -> None:
    days = [10.0] * 40
    days[20], days[21], days[30] = 40.0, 25.0, 2.0
    found = spikes(shops(days, [9.0] * 40))  # the second shop is too small for a local median to mean much
    assert found["spike_multiple_given_over_2x"]["mean"] == (4.0 + 2.5) / 2
    assert found["spike_days_over_3x_local_median_share"] == 1 / 40
    assert found["drop_days_under_0.25x_local_median_share"] == 1 / 40
    assert found["spike_run_length_days"]["mean"] == 2.0
    assert found["shops_with_any_spike_over_2x"] == 0.5


def test_weekly_growth_needs_orders_in_both_weeks() -> None:
    weeks = [1, 3, 0, 7, 15]
    days = [1.0, *[0.0] * 6, *(float(n) for week in weeks for n in (week, 0, 0, 0, 0, 0, 0))]
    found = by_week(shops(days))["weekly_log_growth_pooled"]
    assert found["n"] == 2  # 1 to 3, 7 to 15: both double, counted with one more
    assert found["mean"] == pytest.approx(np.log(2))


def test_the_common_part_of_monthly_growth() -> None:
    lengths = (31, 29, 31)
    up, down = (1.0, 2.0, 2.0), (1.0, 2.0, 4.0)
    columns = [[level for level, n in zip(path, lengths, strict=True) for _ in range(n)] for path in (up, down)]
    found = by_month(shops(*columns, first=date(2012, 1, 1)))
    step = np.log(2)
    assert found["median_shop_monthly_log_growth_by_month"] == pytest.approx({"2012-02": step, "2012-03": step / 2})
    # growths are step, step, 0, step: variance 3/16 step^2; about the medians 0, 0, -step/2, step/2: 1/8
    assert found["share_of_monthly_growth_variance_common"] == pytest.approx(1 - (1 / 8) / (3 / 16))
    assert found["monthly_growth_autocorr_lag1"] is None  # two pairs are too few


def test_autocorrelation_is_mean_product_over_variance() -> None:
    assert autocorrelation(np.array([1.0, -1.0, 1.0, -1.0]), 1) == -1.0
    assert autocorrelation(np.array([3.0, 1.0, -1.0, -3.0]), 2) == pytest.approx(-3.0 / 5.0)
    assert np.isnan(autocorrelation(np.ones(5), 1))


def test_the_common_path_sums_the_median_growth_of_twenty_shops() -> None:
    weeks = np.tile(np.array([[1.0], [3.0], [7.0]]), (1, 20))
    assert common_path(weeks) == pytest.approx([0.0, np.log(2), 2 * np.log(2)])
    assert common_path(weeks[:, :19]).tolist() == [0.0, 0.0, 0.0]


def test_an_autoregressive_shop_shows_its_persistence() -> None:
    rng = np.random.default_rng(1)
    shocks = np.zeros((200, 60))
    for week in range(1, 200):
        shocks[week] = 0.6 * shocks[week - 1] + 0.3 * rng.standard_normal(60)
    table = np.repeat(np.rint(100 * np.exp(shocks)), 7, axis=0)
    found = of_days(ShopDays(MONDAY, table))["weekly_detrended_acf_1_2_4_8_13_median"]
    assert found[0] == pytest.approx(0.6, abs=0.05)
    assert found[1] == pytest.approx(0.36, abs=0.07)


def test_the_weekday_index_of_whole_weeks() -> None:
    found = of_days(shops([1.0, 1, 1, 1, 1, 3, 6] * 4, [3.0, 1, 1, 1, 1, 1, 2] * 4))
    assert found["weekday_index_mon_sun"] == pytest.approx([4 * 7 / 24, *[2 * 7 / 24] * 4, 4 * 7 / 24, 8 * 7 / 24])
    assert found["weekday_index_sd_across_shops"] == [None] * 7  # nobody opened long enough before


def test_a_constant_week_has_no_spread_beyond_chance() -> None:
    assert of_days(shops([5.0] * 70))["daily_cv_within_week_beyond_poisson_median"] == 0.0
    found = of_days(shops([0.0, 200.0] * 70))["daily_cv_within_week_beyond_poisson_median"]
    high, low = 1600 / 14, 600 * 2 / 14  # weeks have four or three days of 200, in turn
    weekly = [np.std([0.0] * (7 - n) + [200.0] * n) / (200.0 * n / 7) for n in (3, 4)]
    assert found == pytest.approx(np.sqrt(np.mean(weekly) ** 2 - 2 / (high + low)), rel=0.02)


def test_events_compare_with_the_days_around_them() -> None:
    first = date(2015, 8, 1)
    singles = (date(2015, 11, 11) - first).days
    table = np.full((150, 2), 10.0)
    table[singles] = [30.0, 0.0]
    found = events(ShopDays(first, table))["events"]
    one = found["singles_day_2015"]
    assert (one["n_shops"], one["aggregate_multiple"], one["share_shops_zero"]) == (2, 1.5, 0.5)
    assert found["singles_day_week_2015"]["aggregate_multiple"] == pytest.approx((6 * 20 + 30) / 140)
    assert "golden_week_2015" in found
    assert "christmas_week_2015" not in found  # the days after it are not in the data
    assert windows(2016)["spring_festival_2016"] == (date(2016, 2, 7), date(2016, 2, 13))
    assert "spring_festival_1990" not in windows(1990)


def test_survival_of_five_sellers() -> None:
    # By the end, day 400: two stopped after 0 and 61 days, one after 122; two still sell and are followed to day 310.
    first, last = np.zeros(5), np.array([0.0, 61.0, 122.0, 399.0, 400.0])
    found = survival(first, last, 400.0, 90, at=(0, 1, 3, 6, 9, 15))
    assert found == {
        "0": 0.8,
        "1": 0.8,
        "3": pytest.approx(0.6),
        "6": pytest.approx(0.4),
        "9": pytest.approx(0.4),
        "15": None,
    }
    late = survival(np.full(2, 300.0), np.full(2, 300.0), 400.0, 90)
    assert set(late.values()) == {None}  # they began too late to say


def test_silence_and_growth_by_quarter() -> None:
    rows = pd.DataFrame(
        [("a", q, 10 * 2**k, 100.0 * 3**k) for k, q in enumerate(range(8048, 8052))]
        + [("b", 8048, 1, 5.0), ("b", 8051, 1, 5.0)],
        columns=["seller", "quarter", "orders", "sales"],
    ).assign(active_days=3, active_months=1, tenure=5.0, days=90)
    found = quarters(rows, 8048, 8051)
    assert found["silent_next_quarter_by_quarter"] == {"2012Q1": 0.5, "2012Q2": 0.0, "2012Q3": 0.0}
    assert found["silent_next_quarter_by_orders"]["(0.0, 1.0]"] == {"n": 1, "rate": 1.0}
    assert found["silent_next_quarter_by_orders"]["(50.0, 1000000000.0]"] == {"n": 0, "rate": None}
    assert found["returned_later_given_silent"] == 1.0
    assert found["qoq_log_sales_growth_continuing"]["n"] == 3
    assert found["qoq_log_sales_growth_continuing"]["mean"] == pytest.approx(np.log(3))
    assert found["zero_sales_day_share_established_sellers"] == pytest.approx(1 - 3 / 90)
    assert found["new_sellers_by_quarter"] == {"2012Q1": 2, "2012Q2": 0, "2012Q3": 0, "2012Q4": 0}


def test_lags_and_the_age_of_what_is_open() -> None:
    given = Orders(
        ordered=np.array([0.0, 0.0, 1.0, 2.0]),
        delivered=np.array([2.0, 4.0, 7.0, np.nan]),
        promised=np.array([2.0, 3.0, 6.5, 9.0]),
        value=np.array([1.0, 1.0, 2.0, 9.0]),
        is_returned=np.array([False, False, False, True]),
    )
    found = orders(given)
    steady = found["in_transit_receivable_age_days_steady_state"]
    assert (steady["mean_outstanding_days_per_order"], steady["value_weighted_mean_lag"]) == (4.0, 18 / 4)
    assert steady["mean_age_of_open_item"] == pytest.approx((4 + 16 + 36) / 3 / 2 / 4)
    assert steady["share_open_older_than"]["3"] == pytest.approx((1 + 3) / 12)
    assert found["survival_of_open_order_by_day"]["2"] == 2 / 3
    assert (found["late_share_of_delivered"], found["late_share_by_midnight_of_promise"]) == (1 / 3, 2 / 3)
    assert (found["not_delivered_share"], found["returned_share"]) == (0.25, 0.25)


def test_black_friday_against_the_weeks_around() -> None:
    first = date(2017, 10, 27)
    counts = np.full(56, 2)
    counts[28] = 16
    found = black_friday(first, counts)["black_friday"]
    assert (found["day_orders"], found["baseline_per_day"], found["day_multiple"]) == (16, 2.0, 8.0)
    assert (found["day_multiple_se"], found["week_fri_thu_multiple"]) == (2.0, 2.0)
    assert black_friday(first, counts[:50]) == {}
    assert weekday_index(MONDAY, np.array([2, 1, 1, 1, 1, 1, 0])) == [2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]


def test_the_law_of_confirmation_has_the_scenario_s_mean() -> None:
    found = confirmation((4.0 / 14.0,) * 4)
    assert found["purchase_to_delivery_days"]["mean"] == pytest.approx(14.0)
    assert found["survival_of_open_order_by_day"]["3"] == pytest.approx(1.0)
    assert open_orders(np.array([2.0]))["in_transit_receivable_age_days_steady_state"]["mean_age_of_open_item"] == 1.0


def test_a_platform_by_month_and_a_cohort_by_year() -> None:
    names = [f"2017-{month:02}" for month in range(1, 13)]
    months = platform_months(names, np.exp(0.1 * np.arange(12)))
    assert months["log_growth_mean_2017"] == pytest.approx(0.1)
    assert months["dec_over_oct_2017"] == pytest.approx(np.exp(0.2))
    assert max(map(abs, months["detrended_log_residual"].values())) < 1e-12
    assert cohort({0: 1.0, 1: 0.8, 2: 0.6}, {0: 4.0, 1: 5.0})["annual_exit_hazard"] == pytest.approx(
        {"1": 0.2, "2": 0.25}
    )


# ------------------------------------------------------------------------------------------------ files


def write(folder: Path, text: str, name: str = "orders.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_file_by_merchant_and_day(tmp_path: Path) -> None:
    text = "shop,date,n,value\nx,2012-01-02,3,10\ny,2012-01-02,1,4\nx,2012-01-04,2,\nz,2012-01-03,0,1\n"
    found = moments(write(tmp_path, text))
    assert (found.figures["shops"], found.figures["payments"], found.figures["shop_days_since_first_sale"]) == (2, 6, 6)
    assert found.figures["size_last_12_weeks_daily_value"]["mean"] == pytest.approx((50 / 3 + 4 / 3) / 2)
    assert found.reasons["purchase_to_delivery_days"] == "no times at which orders were placed and confirmed"
    assert found.reasons["seller_quarters"] == "the days do not cover two quarters in a row"
    assert all(found.figures[name] is None for name in found.reasons)
    assert set(REASONS) <= set(found.figures)


def test_parquet_and_csv_say_the_same(tmp_path: Path) -> None:
    rows = [("a", MONDAY + timedelta(days=k), 1 + k % 5) for k in range(400)]
    frame = pd.DataFrame(rows, columns=["merchant", "date", "orders"])
    frame.to_csv(tmp_path / "orders.csv", index=False)
    frame.to_parquet(tmp_path / "orders.parquet")
    one, other = moments(tmp_path / "orders.csv"), moments(tmp_path / "orders.parquet")
    assert one.figures == other.figures
    assert one.figures["seller_quarters"] == 5
    assert one.figures["zero_sales_day_share_established_sellers"] == 0.0


def test_a_file_of_single_orders(tmp_path: Path) -> None:
    text = (
        "merchant,ordered,confirmed,returned,value\n"
        "a,2012-01-02 10:00,2012-01-05 10:00,0,20\na,2012-01-02 12:00,,1,10\nb,2012-01-03,2012-01-08,0,30\n"
    )
    figures = moments(write(tmp_path, text)).figures
    assert (figures["orders"], figures["payments"], figures["shops"]) == (3, 3, 2)
    assert figures["purchase_to_delivery_days"]["mean"] == 4.0
    assert figures["returned_share"] == pytest.approx(1 / 3)
    alone = moments(write(tmp_path, "ordered\n2012-01-02\n2012-01-04\n", "alone.csv"))
    assert (alone.figures["orders"], alone.figures["shops"]) == (2, None)
    assert alone.reasons["shops"] == "no orders by merchant and day"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "orders.csv:1:1: merchant: no such column; the file has: a, b"),
        ("", "cannot be read"),
        ("shop,date,n\n", "no rows"),
        ("shop,date,n\na,2012-01-02,3\nb,soon,1\n", "orders.csv:3:1: date: no readable date: soon"),
        ("shop,date,n\na,2012-01-02,many\n", "orders.csv:2:1: n: no readable number: many"),
        ("shop,date,n\na,2012-01-02,-1\nb,2012-01-02,-2\n", "orders.csv:2:1: n: a number below 0: -1; 2 such rows"),
        ("shop,date,n\n,2012-01-02,1\n", "orders.csv:2:1: shop: no merchant"),
        ("shop,date,n\na,2012-01-02,1\na,2012-01-02,4\n", "orders.csv:3:1: date: second row of a merchant and day"),
        ("shop,date,n\na,2012-01-02,0\n", "no row has any order"),
        ("shop,date,n\na,20120102,1\n", "a number, where a date is wanted"),
        ("shop,date,n\na,1212-01-02,1\na,2012-01-02,1\n", "too many; is a date wrong?"),
        ("shop,date,n,value\na,2012-01-02,1,\n", "a merchant without a value of an order"),
        ("ordered,confirmed\n2012-01-02,2012-01-01\n", "confirmed before it was ordered"),
    ],
)
def test_a_bad_file_is_refused_with_line_and_column(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read_orders(write(tmp_path, text))
    assert said in str(caught.value)


def test_a_file_of_another_kind_or_without_a_named_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"neither the folder of a run nor a \.csv or \.parquet file"):
        read_orders(write(tmp_path, "x", "orders.xlsx"))
    with pytest.raises(ScenarioError, match="no column 'amount'; the file has: shop, date, n"):
        read_orders(write(tmp_path, "shop,date,n\na,2012-01-02,1\n"), {"orders": "amount"})


# ------------------------------------------------------------------------------------------------- runs


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    plan = {"merchants.number": 300}
    return sim.simulate(sim.load(SCENARIO, plan), seed=2, threads=1, out=tmp_path_factory.mktemp("run") / "tiny")


def test_a_run_lived_again_sells_what_it_sold(run: Run) -> None:
    given = live_again(run)
    assert given.days is not None
    assert given.days.n_days == 120
    yuan = given.days.yuan
    assert yuan is not None
    assert round(yuan.sum() * 100) == run.merchants["sales_fen"].sum()
    assert (given.days.orders == np.rint(given.days.orders)).all()


def test_a_run_gives_the_same_figures_as_a_file_of_its_orders(run: Run, tmp_path: Path) -> None:
    assert run.path is not None
    given = live_again(run)
    assert given.days is not None
    days = given.days
    assert days.value is not None
    row, shop = np.nonzero(days.orders)
    frame = pd.DataFrame(
        {"merchant": shop, "date": [days.date_of(int(k)) for k in row], "orders": days.orders[row, shop]}
    )
    frame["value"], frame["sales"] = days.value[shop], days.yuan[row, shop]  # some are sold at a cut price
    frame.to_parquet(tmp_path / "orders.parquet")
    lived, read = moments(run.path), moments(tmp_path / "orders.parquet")
    same = [name for name, value in read.figures.items() if value is not None]
    assert len(same) > 30
    assert {name: lived.figures[name] for name in same} == {name: read.figures[name] for name in same}
    assert 0.0 < lived.figures["returned_share"] < 1.0
    assert lived.figures["purchase_to_delivery_days"]["mean"] > 1.0


def test_a_sample_of_merchants(run: Run) -> None:
    given = live_again(run, 40)
    assert given.days is not None
    assert 20 < given.days.n_shops <= 40
    assert "of 40 looked at, of 300 in the run" in given.notes[0]


def test_a_run_of_another_program_or_in_memory_is_refused(run: Run) -> None:
    import pyarrow as pa

    table = run.table("merchants").to_pandas()
    table["sales_fen"] += 1
    sources = {**run.sources, "merchants": pa.Table.from_pandas(table, preserve_index=False)}
    with pytest.raises(StoreError, match="another version"):
        live_again(Run(run.manifest, run.path, run.scenario_yaml, sources))
    with pytest.raises(StoreError, match="in memory"):
        live_again(Run(run.manifest, None, run.scenario_yaml, run.sources))


def test_a_confirmation_that_varies_more_has_the_same_mean_and_the_spread_it_is_said_to_have() -> None:
    days = stage_days(20.0, 0.8)
    assert (sum(days), math.sqrt(sum(m * m for m in days))) == pytest.approx((20.0, 0.8 * 20.0))
    found = confirmation([1.0 / one for one in days])["purchase_to_delivery_days"]
    assert found["mean"] == pytest.approx(20.0, rel=1e-6)
    # of whole days: each stage's variance is m (m - 1), not m^2
    assert found["sd"] == pytest.approx(math.sqrt(sum(m * (m - 1.0) for m in days)), rel=1e-6)
    assert stage_days(20.0, 0.5) == (5.0,) * 4
