"""The sentence that opens a report."""

from vyvod.report.document import Code, Strong, Text
from vyvod.report.records import Run
from vyvod.report.text import Words


def two_metrics(run: Run, words: Words, split: str, *, key: str, metrics: tuple[str, str]) -> Text:
    """Network, data and the overall values of two metrics; ``key`` is the sentence's place in the texts."""
    overall = run.scores[split].overall
    metric, other = metrics
    return words.text(
        key,
        model=Code(run.record.model.name),
        data=run.data_title,
        metric=words.metric(metric),
        value=Strong(words.number(overall.get(metric))),
        other=words.metric(other),
        second=Strong(words.number(overall.get(other))),
        images=words.count(run.images(split), "image_on"),
        split=words.say(f"of_split_{split}"),
    )
