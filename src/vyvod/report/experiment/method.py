"""The method, in a paragraph."""

from vyvod.report.document import Paragraph, Section
from vyvod.report.experiment.phrases import margin_of
from vyvod.report.experiment.reading import Experiment
from vyvod.report.text import Words


def section(experiment: Experiment, words: Words) -> Section:
    """How the numbers came about and what the verdicts mean."""
    resamples = words.integer(experiment.results.resamples) if experiment.results else words.integer(1000)
    text = words.text("method", split=experiment.split, resamples=resamples, margin=margin_of(experiment, words))
    if len(experiment.ideas) > 1:
        ideas = words.count(len(experiment.ideas), "idea") if words.language == "en" else str(len(experiment.ideas))
        text = (*text, " ", *words.text("method_holm", ideas=ideas))
    return Section("method", words.say("section_method"), [Paragraph((*text, " ", *words.text("method_other")))])
