"""What is written down before the first run of an experiment starts, and what has changed in its file since."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vyvod.evaluation.comparison import detectable_difference
from vyvod.experiment import record
from vyvod.experiment.identity import canonical, differences, text_hash
from vyvod.experiment.plan import Plan
from vyvod.experiment.sentences import sentence
from vyvod.report.settings import Language


def register(plan: Plan, *, known: Sequence[float]) -> dict[str, Any]:
    """The entry ``registered`` of an experiment's record, with time and hash.

    Args:
        plan: checked.
        known: values of the baseline's runs that were there before, from which follows what can be found out at all.
    """
    facts = _facts(plan)
    hashed = {key: facts[key] for key in ("goal", "idea", "changes", "baseline")}
    return {"time": record.now(), "hash": text_hash(hashed, digits=64), **facts, "detectable": detectable(plan, known)}


def detectable(plan: Plan, known: Sequence[float]) -> dict[str, Any]:
    """The smallest true difference that would be found four times in five, and how it is known."""
    language, seeds = plan.report.language, len(plan.seeds)
    if len(known) < 2 or seeds < 2:
        return {"difference": None, "basis": sentence("undetectable", language)}
    sd = statistics.stdev(known)
    basis = sentence("detectable", language, n=len(known), sd=f"{sd:.2g}", seeds=seeds)
    return {"difference": detectable_difference(sd, sd, seeds=seeds), "basis": basis}


def changed_later(registered: Mapping[str, Any], plan: Plan) -> list[str]:
    """Sentences about what in the file is no longer as it was registered."""
    now, language = _facts(plan), plan.report.language
    sentences = [
        sentence("goal", language, key=key, before=registered["goal"].get(key), after=value)
        for key, value in now["goal"].items()
        if registered["goal"].get(key) != value
    ]
    if registered["idea"] != now["idea"]:
        sentences.append(sentence("idea_text", language))
    for key in ("seeds", "target"):
        if registered[key] != now[key]:
            sentences.append(sentence(key, language, before=registered[key], after=now[key]))
    sentences += _changed_ideas(registered["changes"], now["changes"], language)
    return sentences + [
        sentence("baseline", language, **difference)
        for difference in differences(registered["baseline"], now["baseline"])
    ]


def _facts(plan: Plan) -> dict[str, Any]:
    """What is registered, as plain values, the same after a way through JSON."""
    return {
        "goal": {"metric": plan.metric, "direction": plan.direction, "margin": plan.margin},
        "idea": plan.idea,
        "seeds": list(plan.seeds),
        "target": plan.target,
        "changes": {idea.name: dict(idea.changes) for idea in plan.ideas},
        "baseline": canonical(plan.baseline.settings),
    }


def _changed_ideas(before: Mapping[str, Any], after: Mapping[str, Any], language: Language) -> Iterator[str]:
    for name in dict.fromkeys([*before, *after]):
        if name not in before:
            yield sentence("idea_added", language, name=name)
        elif name not in after:
            yield sentence("idea_removed", language, name=name)
        elif before[name] != after[name]:
            told = (", ".join(f"{key}={value}" for key, value in side[name].items()) for side in (before, after))
            yield sentence("idea_changed", language, name=name, **dict(zip(("before", "after"), told, strict=True)))
