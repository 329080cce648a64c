"""Time to target: hand-worked courses, the permutation test against all splits counted one by one, censoring."""

import itertools
import json
import math

import numpy as np
import pytest
from scipy import stats

from vyvod.errors import RunError
from vyvod.evaluation.time_to_target import Course, can_decide, compare_times, smallest_p

NAN = math.nan


def _course(*values: float, steps: int = 10, seconds: float = 2.5) -> Course:
    epochs = np.arange(1.0, len(values) + 1)
    return Course(epochs, epochs * steps, epochs * seconds, np.array(values))


BASELINE = [
    _course(0.1, 0.5, 0.6, 0.8),
    _course(0.1, 0.4, 0.7, 0.7),
    _course(0.1, 0.8, 0.5, 0.75),
    _course(0.1, 0.3, 0.6, 0.7),
]
IDEA = [
    _course(0.8, 0.7, 0.8, 0.9),
    _course(0.5, 0.76, 0.8, 0.9),
    _course(0.3, 0.9, 0.8, 0.9),
    _course(0.5, 0.6, 0.8, 0.9),
]


def test_hand_worked():
    result = compare_times(BASELINE, IDEA)
    # Best values of the baseline: 0.8, 0.7, 0.8, 0.7; their mean is reached after epochs 4, never, 2 (for good: the running best
    # does not fall), never. The idea needs 1, 2, 2, 3 epochs.
    assert (result.target, result.source) == (pytest.approx(0.75), "baseline")
    epochs = result.units["epochs"]
    assert epochs.baseline == (4, math.inf, 2, math.inf)
    assert epochs.idea == (1, 2, 2, 3)
    assert (epochs.limit, epochs.reached) == (4, (2, 4))
    assert epochs.restricted_mean == ((4 + 4 + 2 + 4) / 4, (1 + 2 + 2 + 3) / 4)
    assert epochs.ratio == 3.5 / 2
    assert result.units["steps"].idea == (10, 20, 20, 30)
    assert result.units["seconds"].restricted_mean == (8.75, 5)


def _p(times: list[float], first: int) -> float:
    """The test for a given target, by counting: twice the share of the splits that lie as far out on the rarer side."""
    ranks = stats.rankdata(times)
    sums = [ranks[list(split)].sum() for split in itertools.combinations(range(len(times)), first)]
    observed = ranks[:first].sum()
    below, above = (np.mean([side(other) for other in sums]) for side in (
        lambda other: other <= observed + 1e-9, lambda other: other >= observed - 1e-9)
    )  # fmt: skip
    return min(1.0, 2 * min(below, above))


def test_p_for_a_given_target():
    result = compare_times(BASELINE, IDEA, target=0.75)
    epochs = result.units["epochs"]
    # Epochs 4, never, 2, never against 1, 2, 2, 3: there are ties, and one split of 70 more would be as far out.
    assert epochs.p == pytest.approx(_p([4, 99, 2, 99, 1, 2, 2, 3], 4))
    assert (result.source, epochs.verdict) == ("given", "undecided")


def test_p_when_the_arms_do_not_overlap():
    slow, fast = [_course(0.1, 0.2, 0.3, 0.5 + n / 100) for n in range(4)], [_course(0.6, 0.7, 0.8, 0.9)] * 4
    # Of 70 splits, the two extreme ones.
    faster = compare_times(slow, fast).units["epochs"]
    assert (faster.p, faster.verdict) == (pytest.approx(2 / 70), "faster")
    slower = compare_times(fast, slow, target=0.45).units["epochs"]
    assert (slower.p, slower.verdict, slower.ratio) == (pytest.approx(2 / 70), "slower", 1 / 4)


def test_target_is_taken_anew_in_every_split():
    source = np.random.default_rng(5)
    runs = [_course(*np.sort(source.random(6))) for _ in range(8)]
    best = np.array([course.values.max() for course in runs])
    gaps = []
    for split in itertools.combinations(range(8), 4):
        inside = np.isin(np.arange(8), split)
        reached = [course.values >= best[inside].mean() - 1e-12 for course in runs]
        ranks = stats.rankdata([np.argmax(one) if one.any() else 99 for one in reached])
        gaps.append(ranks[inside].mean() - ranks[~inside].mean())
    below, above = np.mean(np.array(gaps) <= gaps[0] + 1e-9), np.mean(np.array(gaps) >= gaps[0] - 1e-9)
    result = compare_times(runs[:4], runs[4:])
    assert result.units["epochs"].p == pytest.approx(min(1, 2 * min(below, above)))


def test_censored_runs_share_the_last_rank():
    never, late = _course(0.1, 0.1, 0.1), _course(0.1, 0.1, 0.9)
    # All of the idea reach it, though last of all; none of the baseline does.
    result = compare_times([never] * 4, [late] * 4, target=0.9).units["epochs"]
    assert (result.reached, result.restricted_mean, result.verdict) == ((0, 4), (3, 3), "faster")
    assert math.isnan(result.ratio)
    nobody = compare_times([never] * 4, [never] * 4, target=0.9).units["epochs"]
    assert (nobody.p, nobody.verdict, nobody.reached) == (1, "undecided", (0, 0))
    record = nobody.record()
    assert (record["baseline"], record["ratio"]) == ([None] * 4, None)


def test_arms_are_looked_at_for_equally_long():
    short, long = _course(0.1, 0.2), _course(0.1, 0.2, 0.9)
    result = compare_times([short] * 4, [long] * 4, target=0.9).units["epochs"]
    assert (result.limit, result.reached) == (2, (0, 0))
    assert compare_times([long, short], [long] * 2, target=0.9).units["epochs"].baseline == (3, math.inf)


def test_few_seeds_can_never_decide():
    assert smallest_p(3, 3) == pytest.approx(0.1)
    assert [can_decide(*runs) for runs in ((3, 3), (3, 4), (3, 5), (4, 4), (1, 10))] == [
        False,
        False,
        True,
        True,
        False,
    ]
    times = compare_times(BASELINE[:3], IDEA[:3], target=0.75).units["epochs"]
    assert times.verdict == "cannot"
    alone = compare_times(BASELINE[:1], IDEA, target=0.75).units["epochs"]
    assert alone.verdict == "cannot"
    assert alone.record()["p"] is None


def test_lower_is_better():
    def mirrored(courses: list[Course]) -> list[Course]:
        return [Course(course.epochs, course.steps, course.seconds, -course.values) for course in courses]

    up, down = compare_times(BASELINE, IDEA), compare_times(mirrored(BASELINE), mirrored(IDEA), lower_is_better=True)
    assert down.target == -up.target
    assert down.units == up.units
    assert [point.threshold for point in down.speedup] == [-point.threshold for point in up.speedup]


def test_nan_reaches_nothing():
    broken = _course(NAN, 0.8, NAN, 0.7)
    assert compare_times([broken] * 2, IDEA[:2], target=0.8).units["epochs"].baseline == (2, 2)
    lost = _course(NAN, NAN)
    assert compare_times([lost] * 2, IDEA[:2], target=0.8).units["epochs"].baseline == (math.inf, math.inf)
    with pytest.raises(RunError, match="give a number"):
        compare_times([lost, *BASELINE], IDEA)
    with pytest.raises(RunError, match="at least one run"):
        compare_times([], IDEA)


def test_rounding_does_not_put_a_target_out_of_reach():
    equal = [_course(0.1, 0.7)] * 3  # whose mean is 0.7 less or more one bit
    assert compare_times(equal, equal).units["epochs"].reached == (3, 3)


def test_many_runs_draw_splits():
    source = np.random.default_rng(0)
    arms = [[_course(*source.random(5)) for _ in range(9)] for _ in range(2)]  # 48 620 splits
    first, again = (compare_times(*arms, seed=seed).units["epochs"].p for seed in (0, 0))
    assert first == again
    assert first == pytest.approx(compare_times(*arms, seed=1).units["epochs"].p, abs=0.03)


def test_speed_up_curve():
    points = compare_times(BASELINE, IDEA).speedup
    assert (len(points), points[0].threshold, points[-1].threshold) == (20, pytest.approx(0.3125), pytest.approx(0.9))
    # 0.3125: the baseline needs 2, 2, 2, 3 epochs, the idea 1, 1, 2, 1.
    assert (points[0].baseline, points[0].idea, points[0].ratio) == (2.25, 1.25, 1.8)
    # 0.9: none of the baseline; the idea needs 4, 4, 2, 4.
    assert points[-1].record() == {"threshold": pytest.approx(0.9), "baseline": None, "idea": 3.5, "ratio": None}


def test_record_is_json():
    record = compare_times(BASELINE, IDEA).record("val_f1")
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["metric"] == "val_f1"
    assert record["units"]["epochs"]["baseline"] == [4, None, 2, None]
    assert set(record) == {"target", "source", "metric", "units", "speedup"}


def test_holds_its_error_rate():
    source = np.random.default_rng(0)
    number, wrong = 300, 0
    for _ in range(number):
        runs = [
            _course(*(np.log(np.arange(2, 12)) * source.uniform(0.8, 1.2) + source.normal(0, 0.2, 10)))
            for _ in range(8)
        ]
        wrong += compare_times(runs[:4], runs[4:]).units["epochs"].verdict in ("faster", "slower")
    assert wrong / number <= 0.05
