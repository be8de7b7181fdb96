"""The names of the figures, and why an input does not give one.

The names are those under which figures of real merchants have been published beside their data; ``payments`` are
orders. A figure that an input cannot give is None, and its reason is kept beside it.
"""

from __future__ import annotations

from sim.study.moments.describe import Figures

SHOPS = [
    "shops",
    "payments",
    "shop_days_since_first_sale",
    "size_mean_daily_payments",
    "size_last_12_weeks_daily_payments",
    "zero_day_share_since_first_sale",
    "zero_day_share_by_shop",
    "zero_day_share_by_size_quintile",
    "closure_spells_7d_plus_per_shop_month",
    "closure_spell_days_given_7plus",
    "share_shops_silent_last_14d",
    "share_shops_silent_last_28d",
    "weekday_index_mon_sun",
    "weekday_index_sd_across_shops",
    "weekly_log_sales_acf_1_2_4_8_median",
    "weekly_detrended_acf_1_2_4_8_13_median",
    "weekly_detrended_acf1_iqr",
    "weekly_log_growth_sd_by_shop",
    "weekly_log_growth_sd_by_size_quartile",
    "weekly_log_growth_pooled",
    "monthly_log_growth_pooled",
    "monthly_log_growth_sd_by_shop",
    "monthly_growth_autocorr_lag1",
    "median_shop_monthly_log_growth_by_month",
    "share_of_monthly_growth_variance_common",
    "daily_cv_within_week_beyond_poisson_median",
    "spike_days_over_2x_local_median_share",
    "spike_days_over_3x_local_median_share",
    "spike_days_over_5x_local_median_share",
    "spike_multiple_given_over_2x",
    "drop_days_under_0.25x_local_median_share",
    "spike_run_length_days",
    "shops_with_any_spike_over_2x",
    "events",
    "entry_month_of_first_payment",
]
QUARTERS = [
    "seller_quarters",
    "sellers",
    "lifetime_orders_size",
    "share_sellers_with_one_order_ever",
    "silent_next_quarter_by_quarter",
    "silent_next_quarter_by_orders",
    "silent_next_quarter_by_tenure_months",
    "returned_later_given_silent",
    "survival_months_since_first_sale_silence90d",
    "survival_months_since_first_sale_silence120d",
    "survival_months_since_first_sale_silence180d",
    "survival_months_sellers_with_5plus_orders_in_first_quarter_silence120d",
    "zero_sales_day_share_established_sellers",
    "zero_sales_day_share_by_orders",
    "active_months_of_3_share",
    "active_sellers_by_quarter",
    "new_sellers_by_quarter",
]
VALUES = ["size_last_12_weeks_daily_value"]
QUARTER_VALUES = [
    "lifetime_sales_size",
    "average_order_value",
    "qoq_log_sales_growth_continuing",
    "qoq_log_growth_sd_by_orders_bucket",
    "qoq_rank_autocorr_log_sales",
    "qoq_pearson_log_sales",
    "qoq_growth_autocorr_lag1",
    "qoq_log_growth_sd_20plus_orders",
]
TIMES = [
    "purchase_to_delivery_days",
    "purchase_to_delivery_lognormal",
    "purchase_to_delivery_gamma",
    "not_delivered_share",
    "in_transit_receivable_age_days_steady_state",
    "survival_of_open_order_by_day",
]

_REASONS = (
    (SHOPS, "no orders by merchant and day"),
    (VALUES, "no value of an order by merchant"),
    (["category_share"], "no trade of a merchant"),
    (QUARTERS, "the days do not cover two quarters in a row"),
    (QUARTER_VALUES, "no sales by merchant in two quarters in a row"),
    (["detrended_log_residual"], "no sales over four whole months"),
    (["orders"], "no single orders"),
    (TIMES, "no times at which orders were placed and confirmed"),
    (["purchase_to_approval_days", "approval_over_1_day_share"], "no times of approval"),
    (["promised_days", "late_share_of_delivered", "late_share_by_midnight_of_promise"], "no dates promised"),
    (["order_value"], "no value of single orders"),
    (["returned_share"], "no word of which orders came back"),
    (["status_share"], "no state of single orders"),
    (["black_friday"], "no single orders, or not four weeks on either side of a Black Friday"),
    (
        ["review_mean", "review_mean_not_delivered", "review_mean_by_days_late", "review_mean_by_delivery_days"],
        "no reviews of single orders, or no times to set them against",
    ),
    (["delivery_to_review_answer_days"], "no times of reviews"),
    (["spearman_review_delivery_days", "spearman_review_order_value"], "no reviews of single orders"),
    (["reweighted_to_full_review_mix"], "no mix of reviews to weigh by"),
    (["silent_next_quarter_by_review", "silent_next_quarter_by_review_5plus_orders"], "no reviews by merchant"),
    (
        ["silent_next_quarter_by_late_share_5plus_orders", "late_to_customer_share_of_orders"],
        "no count of late orders by merchant",
    ),
    (["late_to_carrier_share_of_orders"], "no times of handing over to the carrier"),
    (["survival_by_year", "annual_exit_hazard", "survivor_size_growth"], "no cohort followed by year"),
    (["months", "freight_share", "avg_item_price"], "no sales of a platform by month with freight and items"),
)
REASONS: dict[str, str] = {name: reason for names, reason in _REASONS for name in names}


def complete(found: Figures) -> tuple[Figures, dict[str, str]]:
    """Add None for each figure that is not there; returns the figures, and the reason of each that is None."""
    whole = {name: found.get(name) for name in REASONS} | found
    return whole, {name: reason for name, reason in REASONS.items() if whole[name] is None}
