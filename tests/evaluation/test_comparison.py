"""The comparison: hand-worked numbers, SciPy's Welch test as the independent reference, coverage, and what cannot be compared."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from vyvod.errors import SettingsError
from vyvod.evaluation.comparison import compare, detectable_difference, holm, summarise

BASELINE = [0.80, 0.82, 0.84]
IDEA = [0.86, 0.88, 0.90]
NAN = math.nan


def test_hand_worked():
    result = compare(BASELINE, IDEA, margin=0.01, test_variance=0.0001)
    # s^2 = (0.02^2 + 0 + 0.02^2) / 2 = 0.0004 in both arms; V = 2 * 0.0004 / 3 + 0.0001 = 0.00036667, its root 0.0191485.
    # df = V^2 / (2 * (0.0004 / 3)^2 / 2) = 1.344444e-7 / 1.777778e-8 = 7.5625; t(0.975; 7.5625) = 2.329433.
    assert result.difference == pytest.approx(0.06)
    assert result.variances == pytest.approx((0.0004, 0.0004))
    assert result.standard_error == pytest.approx(0.0191485, abs=1e-7)
    assert result.df == pytest.approx(7.5625)
    assert (result.low, result.high) == pytest.approx((0.06 - 0.0446052, 0.06 + 0.0446052), abs=1e-6)
    # 0.06 / 0.0191485 = 3.13340; twice the tail of Student's t with 7.5625 degrees of freedom beyond it.
    assert result.p == pytest.approx(0.014970, abs=1e-6)
    assert (result.verdict, result.reason, result.seeds_needed) == ("better", None, None)
    assert result.p_holm == result.p


def test_record_is_json_with_the_parts_of_the_variance():
    record = compare(BASELINE, IDEA, margin=0.01, test_variance=0.0001).record()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["components"] == pytest.approx({"baseline": 0.0004 / 3, "idea": 0.0004 / 3, "test_set": 0.0001})
    assert record["level"] == 0.95
    assert set(record) == {
        "difference", "low", "high", "level", "standard_error", "df", "p", "p_holm", "verdict", "reason", "seeds_needed",
        "limited_by_test_set", "components", "detectable",
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_is_welch_without_a_test_set(seed: int):
    source = np.random.default_rng(seed)
    baseline, idea = source.normal(0.8, 0.01, 3 + seed), source.normal(0.81, 0.03, 7)
    ours = compare(baseline, idea, margin=0.01)
    theirs = stats.ttest_ind(idea, baseline, equal_var=False)
    interval = theirs.confidence_interval(0.95)
    assert (ours.p, ours.df) == pytest.approx((theirs.pvalue, theirs.df), rel=1e-12)
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high), rel=1e-12)


@pytest.mark.parametrize(
    ("shift", "margin", "direction", "verdict"),
    [
        (0.06, 0.01, "up", "better"),
        (-0.06, 0.01, "up", "worse"),
        (0.06, 0.01, "down", "worse"),
        (-0.06, 0.01, "down", "better"),
        (0.005, 0.1, "up", "equivalent"),
        (0.005, 0.01, "up", "undecided"),
        (0.06, 0.2, "up", "better"),  # there, though within the margin
    ],
)
def test_verdict(shift: float, margin: float, direction: str, verdict: str):
    idea = [value + shift for value in BASELINE]
    assert compare(BASELINE, idea, margin=margin, direction=direction).verdict == verdict


def test_the_interval_and_p_agree():
    source = np.random.default_rng(0)
    for _ in range(200):
        baseline, idea = source.normal(0, 1, 4), source.normal(0.8, 1, 4)
        result = compare(baseline, idea, margin=0.01, test_variance=0.1)
        assert (result.p < 0.05) == (result.low > 0 or result.high < 0)


def test_fewer_than_three_seeds_give_no_verdict():
    two = compare(BASELINE, IDEA[:2], margin=0.01)
    assert (two.verdict, two.reason, two.runs) == (None, "seeds", (3, 2))
    assert two.low < two.difference < two.high
    assert math.isnan(two.p_holm)
    one = compare(BASELINE, IDEA[:1], margin=0.01, test_variance=0.1)
    assert (one.verdict, one.reason) == (None, "seeds")
    assert one.difference == pytest.approx(0.04)
    assert one.record()["low"] is one.record()["components"]["idea"] is None


def test_nan_in_one_run_leaves_it_out():
    assert compare([NAN, *BASELINE], IDEA, margin=0.01) == compare(BASELINE, IDEA, margin=0.01)
    assert compare([NAN, *BASELINE[:2]], IDEA, margin=0.01).reason == "seeds"
    empty = compare([NAN], IDEA, margin=0.01)
    assert (empty.verdict, empty.reason, empty.runs) == (None, "no_values", (0, 3))
    assert math.isnan(empty.difference)
    assert json.dumps(empty.record(), allow_nan=False)


def test_all_values_equal():
    equal = [0.1] * 3  # whose variance is 2e-34 when it is computed
    nothing = compare(equal, equal, margin=0.01)
    assert (nothing.verdict, nothing.reason, nothing.difference) == (None, "no_variance", 0)
    # Only the test set varies: the normal interval, 1.959964 * 0.01.
    test_set = compare(equal, [0.13] * 3, margin=0.01, test_variance=0.0001)
    assert test_set.df == math.inf
    assert (test_set.low, test_set.high) == pytest.approx((0.03 - 0.01959964, 0.03 + 0.01959964), abs=1e-8)
    assert test_set.verdict == "better"
    assert json.loads(json.dumps(test_set.record(), allow_nan=False))["df"] is None


def test_zero_variance_in_one_arm():
    # df = V^2 / (V^2 / 2): that of the other arm.
    assert compare([0.8] * 3, IDEA, margin=0.01).df == pytest.approx(2)


def test_seeds_needed_by_hand():
    # D = 0.01, s = 0.02 in both arms: at n runs the half width is t(0.975; 2n - 2) * 0.02 * sqrt(2 / n).
    result = compare(BASELINE, [value + 0.01 for value in BASELINE], margin=0)
    half = {n: stats.t.ppf(0.975, 2 * n - 2) * 0.02 * math.sqrt(2 / n) for n in (31, 32)}
    assert half[32] < 0.01 < half[31]
    assert (result.verdict, result.seeds_needed, result.limited_by_test_set) == ("undecided", 32, False)


def test_seeds_needed_to_lie_inside_of_the_margin():
    close = compare(BASELINE, BASELINE, margin=0.01)
    half = {n: stats.t.ppf(0.975, 2 * n - 2) * 0.02 * math.sqrt(2 / n) for n in (31, 32)}
    assert half[32] < 0.01 < half[31]
    assert close.seeds_needed == 32


def test_where_only_a_larger_test_set_would_decide():
    # 1.96 * 0.02 = 0.039 is more than the difference, and with it more than the margin, however many seeds there are.
    limited = compare(BASELINE, [value + 0.01 for value in BASELINE], margin=0.01, test_variance=0.0004)
    assert (limited.verdict, limited.seeds_needed, limited.limited_by_test_set) == ("undecided", None, True)
    # 0.0001 can be told from 0 with enough seeds, but more than 1000.
    many = compare(BASELINE, [value + 0.0001 for value in BASELINE], margin=0)
    assert (many.seeds_needed, many.limited_by_test_set) == (None, False)


def _of_p(p: float, margin: float = 0.0):
    """A comparison with that p: only the test set varies."""
    difference = stats.norm.isf(p / 2)
    return compare([0.0] * 3, [difference] * 3, margin=margin, test_variance=1.0)


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.03, 0.04: times 4, 3, 2, 1 = 0.04, 0.06, 0.06, 0.04; none below one before: 0.04, 0.06, 0.06, 0.06.
    comparisons = [_of_p(p) for p in (0.04, 0.01, 0.03, 0.02)]
    assert [one.verdict for one in comparisons] == ["better"] * 4
    corrected = holm(comparisons)
    assert [one.p_holm for one in corrected] == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert [one.verdict for one in corrected] == ["undecided", "better", "undecided", "undecided"]
    assert all(one.seeds_needed is None and one.limited_by_test_set for one in (corrected[0], corrected[3]))
    assert (corrected[1].seeds_needed, corrected[1].limited_by_test_set) == (None, False)


def test_holm_may_leave_an_idea_equivalent():
    assert [one.verdict for one in holm([_of_p(0.03, margin=9), _of_p(0.04, margin=9)])] == ["equivalent"] * 2


def test_holm_counts_only_ideas_that_can_have_a_verdict():
    alone, unknown = _of_p(0.03), compare(BASELINE, IDEA[:2], margin=0.01)
    corrected = holm([alone, unknown])
    assert (corrected[0].p_holm, corrected[0].verdict) == (alone.p, "better")
    assert corrected[1] is unknown
    assert holm([]) == []


def test_holm_makes_more_seeds_needed():
    baseline, idea = [0.0, 0.02, 0.04, 0.06], [0.03, 0.05, 0.07, 0.09]
    undecided = compare(baseline, idea, margin=0)
    corrected = holm([undecided] * 4)[0]
    assert undecided.seeds_needed < corrected.seeds_needed
    # With so many seeds and the same estimates, Holm's first step among four ideas is passed.
    n, s2 = corrected.seeds_needed, undecided.variances[0]
    assert [2 * stats.t.sf(0.03 / math.sqrt(2 * s2 / m), 2 * m - 2) * 4 < 0.05 for m in (n - 1, n)] == [False, True]


@pytest.mark.parametrize(("seeds", "test_variance"), [(3, 0.0), (5, 0.0), (10, 0.0), (3, 1.0), (5, 4.0)])
def test_power_at_the_detectable_difference(seeds: int, test_variance: float):
    source = np.random.default_rng(0)
    difference = detectable_difference(1.0, 1.5, seeds=seeds, test_variance=test_variance)
    found, number = 0, 4000
    for _ in range(number):
        shift = difference + source.normal(0, np.sqrt(test_variance))
        baseline, idea = source.normal(0, 1, seeds), source.normal(shift, 1.5, seeds)
        variances = baseline.var(ddof=1) / seeds, idea.var(ddof=1) / seeds
        total = sum(variances) + test_variance
        df = total**2 / (sum(variance**2 for variance in variances) / (seeds - 1))
        found += abs(idea.mean() - baseline.mean()) > stats.t.ppf(0.975, df) * np.sqrt(total)
    assert found / number == pytest.approx(0.8, abs=0.025)


def test_detectable_difference():
    # Known variance: (1.959964 + 0.841621) * 0.1.
    assert detectable_difference(0, 0, seeds=3, test_variance=0.01) == pytest.approx(0.2801585, abs=1e-6)
    assert math.isnan(detectable_difference(1.0, 1.0, seeds=1))
    assert math.isnan(detectable_difference(0.0, 0.0, seeds=5))
    assert detectable_difference(0.02, 0.02, seeds=3) == pytest.approx(compare(BASELINE, IDEA, margin=0).detectable)


def test_summary_of_an_arm():
    # s / sqrt(3) = 0.011547, t(0.975; 2) = 4.302653: the textbook's interval.
    arm = summarise(BASELINE)
    assert (arm.n, arm.mean, arm.sd) == pytest.approx((3, 0.82, 0.02))
    assert (arm.low, arm.high) == pytest.approx((0.82 - 0.0496828, 0.82 + 0.0496828), abs=1e-6)
    # With the test set: V = 0.0004 / 3 + 0.0001, df = V^2 / ((0.0004 / 3)^2 / 2) = 6.125.
    wider = summarise(BASELINE, test_variance=0.0001)
    assert wider.high - wider.mean == pytest.approx(stats.t.ppf(0.975, 6.125) * math.sqrt(0.0004 / 3 + 0.0001))
    assert summarise([0.8]).record() == {"n": 1, "mean": 0.8, "sd": None, "low": None, "high": None}
    assert summarise([0.8, 0.8, NAN]).record() == {"n": 2, "mean": 0.8, "sd": 0.0, "low": None, "high": None}
    assert summarise([]).record() == {"n": 0, "mean": None, "sd": None, "low": None, "high": None}


@pytest.mark.parametrize("margin", [-0.01, NAN, math.inf])
def test_margin_that_is_none(margin: float):
    with pytest.raises(SettingsError, match="smallest difference that matters"):
        compare(BASELINE, IDEA, margin=margin)


@pytest.mark.parametrize("test_sd", [0.0, 1.0])
def test_holds_its_error_rate(test_sd: float):
    source = np.random.default_rng(1)
    number, n = 1500, 3
    arms = source.normal(0, 1, (2, number, n)) + source.normal(0, test_sd, (2, number, 1))
    results = [
        compare(baseline, idea, margin=0, test_variance=2 * test_sd**2) for baseline, idea in zip(*arms, strict=True)
    ]
    wrong = np.mean([one.verdict in ("better", "worse") for one in results])
    assert wrong < 0.06
    assert np.mean([one.low <= 0 <= one.high for one in results]) == pytest.approx(1 - wrong)
