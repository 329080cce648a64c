"""The write-up of an experiment as a document: goal, idea, results, comparison with the baseline, conclusions."""

from vyvod.report.document import Document, OwnText
from vyvod.report.experiment import conclusions, curves, gallery, method, plan, runs, scores, target, verdict
from vyvod.report.experiment.reading import Experiment
from vyvod.report.settings import ReportSettings
from vyvod.report.text import TEXTS, Words


def document(experiment: Experiment, settings: ReportSettings, own: OwnText) -> Document:
    """The whole page.

    Args:
        experiment: read from its folder.
        settings: language, title and author.
        own: what the person has written.
    """
    words = Words(settings.language)
    sections = [
        plan.goal(experiment, words),
        plan.changes(experiment, words),
        curves.section(experiment, words),
        *scores.comparison(experiment, words),
        *scores.classes(experiment, words),
        *gallery.sections(experiment, words),
        *target.sections(experiment, words),
        *runs.cost(experiment, words),
        conclusions.section(experiment, words, own),
        runs.table(experiment, words),
        method.section(experiment, words),
        runs.repeat(experiment, words),
    ]
    title = settings.title or words.say("experiment_title", name=experiment.record.name)
    lead, byline = verdict.lead(experiment, words), _byline(experiment, words, settings.author)
    return Document(settings.language, title, byline, lead, sections, words.say("experiment_footer"))


def task_name(task: str, words: Words) -> str:
    """The task in the language of the page."""
    return words.say(f"task_name_{task}") if f"task_name_{task}" in TEXTS else task


def _byline(experiment: Experiment, words: Words, author: str | None) -> str:
    record = experiment.record
    start = words.say("byline_author", author=author) if author else ""
    date = words.date(record.registered.time)
    end = words.say("experiment_byline_ended", date=words.date(record.ended)) if record.ended else ""
    return start + words.say("experiment_byline", task=task_name(record.task, words), date=date) + end
