"""Phrases that several parts of the write-up share, so that a number is told in the same words everywhere."""

from vyvod.report.document import Badge, Code, Inline, Judgement, Text
from vyvod.report.experiment.digits import Estimate, p_value
from vyvod.report.experiment.reading import Experiment
from vyvod.report.experiment.records import ArmRecord, ComparisonRecord, DifferenceRecord, IdeaRecord
from vyvod.report.text import Words

_REASONS = ("seeds", "no_values", "no_variance")
"""Why there is no verdict, as the results name it."""


def arm_mean(arm: ArmRecord) -> Estimate:
    """The mean of an arm."""
    return Estimate(arm.mean, arm.low, arm.high)


def difference_of(part: ComparisonRecord | DifferenceRecord) -> Estimate:
    """Idea - baseline."""
    return Estimate(part.difference, part.low, part.high)


def judgement(idea: IdeaRecord) -> Judgement:
    """The verdict on an idea, or that there is none."""
    return (idea.comparison.verdict if idea.comparison else None) or "none"


def badge(kind: Judgement, words: Words) -> Badge:
    """The verdict in a word."""
    return Badge(words.say(f"verdict_{kind}"), kind)


def margin_of(experiment: Experiment, words: Words) -> str:
    """As a person has written it."""
    return words.tick(experiment.margin)


def side(difference: float | None, words: Words) -> str:
    """Higher, lower or the same."""
    if not difference:
        return words.say("side_same")
    return words.say("side_up" if difference > 0 else "side_down")


def verdict_text(experiment: Experiment, idea: IdeaRecord, words: Words) -> Text:
    """What came out for an idea, in a sentence or two."""
    comparison = idea.comparison
    if comparison is None or comparison.verdict is None:
        return _no_verdict(experiment, idea, words)
    values: dict[str, Inline] = {
        "idea": Code(idea.name),
        "metric": words.metric(experiment.metric),
        "split": experiment.split,
        "difference": difference_of(comparison).full(words, sign=True),
    }
    if comparison.verdict == "undecided":
        why = _why_undecided(experiment, comparison, words)
        text = words.text("lead_undecided", **values, why=why)
        return (*text, " ", *decide(comparison, words))
    if comparison.verdict == "equivalent":
        return words.text("lead_equivalent", **values, margin=margin_of(experiment, words))
    return words.text(f"lead_{comparison.verdict}", **values, side=side(comparison.difference, words))


def _why_undecided(experiment: Experiment, comparison: ComparisonRecord, words: Words) -> str:
    low, high, margin = comparison.low, comparison.high, experiment.margin
    if low is None or high is None:
        return words.say("why_other")
    if low > 0 or high < 0:
        ideas = words.count(len(experiment.ideas), "idea_for")
        holm = comparison.p_holm is not None and len(experiment.ideas) > 1
        return (
            words.say("why_holm", ideas=ideas, p=p_value(comparison.p_holm, words)) if holm else words.say("why_other")
        )
    if low < -margin or high > margin:
        return words.say("why_wide", margin=margin_of(experiment, words))
    return words.say("why_other")


def decide(comparison: ComparisonRecord, words: Words) -> Text:
    """What would decide an undecided question."""
    if comparison.seeds_needed is None:
        return words.text("decide_test_set" if comparison.limited_by_test_set else "decide_unknown")
    return words.text("decide_seeds", runs=words.count(comparison.seeds_needed, "run_of"))


def _no_verdict(experiment: Experiment, idea: IdeaRecord, words: Words) -> Text:
    comparison, results = idea.comparison, experiment.results
    reason = comparison.reason if comparison else None
    key = f"none_{reason}" if reason in _REASONS else "none_other"
    facts: dict[str, Inline] = {
        "idea": Code(idea.name),
        "metric": words.metric(experiment.metric),
        "baseline": words.integer(results.baseline.n if results else 0),
        "runs": words.integer(idea.n),
        "reason": reason or words.say("not_compared"),
    }
    sentence = words.text(key, **facts)
    if comparison is None or comparison.difference is None:
        return sentence
    observed = words.text("observed", difference=difference_of(comparison).full(words, sign=True))
    return (*sentence, " ", *observed)
