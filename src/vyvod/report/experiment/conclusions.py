"""Sentences drafted from the results: offline, the same for the same results, each with the number that it rests on."""

from collections.abc import Iterator, Sequence

from vyvod.report.document import Block, Code, Heading, Inline, OwnText, Paragraph, Points, Section, Text
from vyvod.report.experiment import runs as listing
from vyvod.report.experiment import target as pace
from vyvod.report.experiment.digits import amount, decimals, p_value, plain, signed
from vyvod.report.experiment.forest import one_sided
from vyvod.report.experiment.phrases import arm_mean, decide, difference_of, margin_of, side, verdict_text
from vyvod.report.experiment.reading import Experiment
from vyvod.report.experiment.records import (
    ArmRecord,
    ClassRecord,
    ComparisonRecord,
    IdeaRecord,
    PaceRecord,
    TargetRecord,
)
from vyvod.report.experiment.scores import by_size
from vyvod.report.text import NBSP, UNKNOWN, Words

_NAMED = 5
"""So many classes are named in a sentence."""


def section(experiment: Experiment, words: Words, own: OwnText) -> Section:
    """What the program can say, and what the person has written."""
    blocks: list[Block] = [Paragraph(words.text("conclusions_drafted"))]
    for idea in experiment.ideas:
        blocks += [Heading((Code(idea.name),))] if len(experiment.ideas) > 1 else []
        blocks.append(Points(list(sentences(experiment, idea, words))))
    if not experiment.ideas:
        blocks.append(Points([words.text("c_nothing")]))
    failed = _failed(experiment, words)
    blocks += [Points([failed])] if failed else []
    return Section(
        "conclusions", words.say("section_conclusions"), [*blocks, Heading((words.say("conclusions_own"),)), own]
    )


def sentences(experiment: Experiment, idea: IdeaRecord, words: Words) -> Iterator[Text]:
    """About one idea: what was compared, what came out and what it means, where it helps, how soon, at what price, its limits."""
    if experiment.results is None:
        return
    baseline, comparison = experiment.results.baseline, idea.comparison
    if not (baseline.n and idea.n):
        yield verdict_text(experiment, idea, words)
        return
    yield _compared(experiment, baseline, idea, words)
    if comparison is None or comparison.verdict is None:
        yield verdict_text(experiment, idea, words)
    else:
        yield _difference(experiment, baseline, idea, comparison, words=words)
        yield _goal(experiment, comparison, words)
    if idea.also_changed:
        yield (*words.text("also_changed"), " ", "; ".join(sentence.rstrip(".") for sentence in idea.also_changed), ".")
    if comparison is not None and comparison.verdict is not None:
        # So few runs that the whole has no verdict say nothing of its parts.
        yield from _classes(experiment, idea, words)
    if idea.time_to_target:
        yield from _target(experiment, idea, idea.time_to_target, words)
    yield from _cost(baseline, idea, words)
    yield _limits(baseline, idea, comparison, words)


def _compared(experiment: Experiment, baseline: ArmRecord, idea: IdeaRecord, words: Words) -> Text:
    facts: dict[str, Inline] = {
        "baseline": words.count(baseline.n, "run"),
        "runs": words.count(idea.n, "run"),
        "idea": Code(idea.name),
        "metric": words.metric(experiment.metric),
        "split": experiment.split,
    }
    sample = experiment.sample
    return (
        words.text("c_compared", **facts, data=sample.data_title) if sample else words.text("c_compared_short", **facts)
    )


def _difference(
    experiment: Experiment, baseline: ArmRecord, idea: IdeaRecord, comparison: ComparisonRecord, *, words: Words
) -> Text:
    facts: dict[str, Inline] = {
        "idea": Code(idea.name),
        "metric": words.metric(experiment.metric),
        "side": side(comparison.difference, words),
        "value": arm_mean(idea).number(words),
        "baseline": arm_mean(baseline).number(words),
        "difference": difference_of(comparison).full(words, sign=True),
    }
    several = len(experiment.ideas) > 1 and comparison.p_holm is not None
    p = p_value(comparison.p_holm if several else comparison.p, words)
    if several:
        p = words.say("c_p_holm", ideas=words.count(len(experiment.ideas), "idea_for"), p=p)
    return words.text("c_difference", **facts, p=p)


def _goal(experiment: Experiment, comparison: ComparisonRecord, words: Words) -> Text:
    """What the verdict means for the goal as it was set."""
    margin = margin_of(experiment, words)
    if comparison.verdict == "undecided":
        known = difference_of(comparison)
        low, high = (signed(bound, known.decimals, words) for bound in (known.low, known.high))
        text = words.text("goal_undecided", low=low, high=high)
        return (*text, " ", *decide(comparison, words))
    if comparison.verdict == "equivalent":
        return words.text("goal_equivalent", margin=margin)
    return words.text(f"goal_{comparison.verdict}_{_against_margin(experiment, comparison)}", margin=margin)


def _against_margin(experiment: Experiment, comparison: ComparisonRecord) -> str:
    """How the size of a difference that was found relates to the margin."""
    value = abs(comparison.difference or 0.0)
    sides = sorted(abs(bound) for bound in (comparison.low, comparison.high) if bound is not None)
    near, far = (sides[0], sides[-1]) if sides else (value, value)
    if near >= experiment.margin:
        return "beyond"
    if far < experiment.margin:
        return "small"
    return "likely" if comparison.verdict == "better" and value >= experiment.margin else "unclear"


def _classes(experiment: Experiment, idea: IdeaRecord, words: Words) -> Iterator[Text]:
    rows = [part for part in by_size(idea.per_class) if part.low is not None and part.high is not None]
    if len(rows) < 2:
        return
    metric, count = words.short_metric(rows[0].metric), len(rows)
    clear = [part for part in rows if one_sided(difference_of(part))]
    up = experiment.higher_is_better or rows[0].metric != experiment.metric
    good, bad = ([part for part in clear if ((part.difference or 0) > 0) == wanted] for wanted in (up, not up))
    if not clear:
        yield words.text("c_classes_none", classes=words.count(count, "class_of"), metric=metric)
        return
    parts: list[Inline] = []
    for key, found in (("c_classes_better", good), ("c_classes_worse", bad)):
        if found:
            classes = words.count(len(found), "class_of")
            parts += words.text(key, metric=metric, classes=classes, list=_class_list(found, words))
            parts.append(" ")
    expected = words.number(0.05 * count, 0 if count >= 100 else 1)
    yield (*parts, *words.text("c_classes_chance", expected=expected, all=str(count)))


def _class_list(found: Sequence[ClassRecord], words: Words) -> str:
    named = ", ".join(
        f"{words.quoted(part.name)} {difference_of(part).full(words, sign=True)}" for part in found[:_NAMED]
    )
    return words.say("list_more", list=named, count=len(found) - _NAMED) if len(found) > _NAMED else named


def _target(experiment: Experiment, idea: IdeaRecord, target: TargetRecord, words: Words) -> Iterator[Text]:
    first = next((target.units[unit] for unit in ("epochs", "steps", "seconds") if unit in target.units), None)
    if first is None:
        return
    lead = words.text("c_reached", target=pace.level(target, words), metric=words.metric(experiment.metric))
    before = _reached(words.text("arm_baseline"), first.reached[0], len(first.baseline), words)
    after = _reached(words.text("arm_idea", idea=Code(idea.name)), first.reached[1], len(first.idea), words)
    yield (*lead, *before, ", ", *after, ".")
    for unit in ("epochs", "seconds"):
        if unit in target.units and any(target.units[unit].reached):
            yield from _pace(idea, target.units[unit], unit, words)


def _reached(arm: Text, count: int, runs: int, words: Words) -> Text:
    """How many runs of an arm reach the target."""
    marker = Code("arm")
    if count == 0:
        text = words.text("reached_none", arm=marker, n=_runs_of(runs, words))
    else:
        text = words.text("reached_some", arm=marker, reached=_runs_in(count, words), n=_runs_of(runs, words))
    place = text.index(marker)
    return (*text[:place], *arm, *text[place + 1 :])


def _runs_in(count: int, words: Words) -> str:
    return str(count) if words.language == "en" else words.count(count, "run_in")


def _runs_of(runs: int, words: Words) -> str:
    return words.count(runs, "run") if words.language == "en" else str(runs)


def _pace(idea: IdeaRecord, known: PaceRecord, unit: str, words: Words) -> Iterator[Text]:
    before, after = known.restricted_mean
    if before is None or after is None:
        return
    saved = round(before - after, 1)
    facts: dict[str, Inline] = {
        "idea": Code(idea.name),
        "value": pace.duration(after, unit, words),
        "baseline": pace.duration(before, unit, words),
        "p": p_value(known.p, words),
        "verdict": words.say(f"pace_says_{known.verdict or 'undecided'}"),
    }
    # Of runs that never got there it is known only that they would have needed longer.
    censored = [None in runs for runs in (known.baseline, known.idea)]
    least = saved != 0 and censored == [saved > 0, saved < 0]
    named = {"value": _time(after, unit, words), "baseline": _time(before, unit, words)}
    if any(censored) and not least:
        yield words.text(
            "c_pace_censored", **facts | named, unit=words.say(f"pace_in_{unit}"), limit=_limit(known, unit, words)
        )
        return
    if saved:
        facts["amount"] = words.duration(abs(saved)) if unit == "seconds" else amount(abs(saved), "epoch_by", words)
    else:
        facts |= named
    key = "c_pace_same" if saved == 0 else "c_pace_sooner" if saved > 0 else "c_pace_later"
    yield words.text(f"{key}_least" if least else key, **facts)


def _limit(known: PaceRecord, unit: str, words: Words) -> str:
    return UNKNOWN if known.limit is None else _time(known.limit, unit, words)


def _time(value: float, unit: str, words: Words) -> str:
    return words.duration(value) if unit == "seconds" else amount(value, "epoch", words)


def _cost(baseline: ArmRecord, idea: IdeaRecord, words: Words) -> Iterator[Text]:
    seconds, before = idea.cost.seconds_per_epoch, baseline.cost.seconds_per_epoch
    times = listing.ratio(seconds, before, words)
    if times is None:
        return
    parameters = [words.large(arm.cost.parameters) for arm in (idea, baseline)]
    same = parameters[0] == parameters[1]
    said = (
        words.say("c_parameters_same", value=parameters[0])
        if same
        else words.say("c_parameters", value=parameters[0], baseline=parameters[1])
    )
    facts: dict[str, Inline] = {"value": words.duration(seconds), "baseline": words.duration(before), "ratio": times}
    yield words.text("c_cost", idea=Code(idea.name), parameters=said, **facts)


def _limits(baseline: ArmRecord, idea: IdeaRecord, comparison: ComparisonRecord | None, words: Words) -> Text:
    counts = {"baseline": words.count(baseline.n, "run"), "runs": words.count(idea.n, "run")}
    text = words.text("c_limits", **counts, idea=Code(idea.name))
    if comparison is None:
        return text
    share = _test_share(comparison)
    if share is not None:
        key = "c_share_test" if share >= 0.5 else "c_share_runs"
        told = f"<{NBSP}{words.percent(0.01, 0)}" if share < 0.01 else words.percent(share, 0)
        text = (*text, " ", *words.text(key, share=told))
    if comparison.detectable is not None:
        value = plain(comparison.detectable, decimals(comparison.detectable), words)
        text = (*text, " ", *words.text("c_detectable", value=value))
    return text


def _test_share(comparison: ComparisonRecord) -> float | None:
    """The part of the variance of the difference that the finite test split makes."""
    parts = [value for value in comparison.components.values() if value is not None]
    test = comparison.components.get("test_set")
    return test / sum(parts) if test is not None and sum(parts) > 0 else None


def _failed(experiment: Experiment, words: Words) -> Text | None:
    everything = experiment.listed
    failed = [part for part in everything if part.run.status != "finished"]
    if not failed:
        return None
    named = [
        f"{words.say('failed_run', arm=part.arm, seed=part.run.seed)}: {listing.status(part, words).rstrip('.')}"
        for part in failed
    ]
    return words.text("c_failed", count=str(len(failed)), all=str(len(everything)), list="; ".join(named) or UNKNOWN)
