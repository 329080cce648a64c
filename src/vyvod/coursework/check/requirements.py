"""What is required of a coursework repository, and what a look at one requirement came to."""

from dataclasses import asdict, dataclass
from typing import Literal

Status = Literal["pass", "fail", "unknown"]

MAIN: dict[str, str] = {
    "main-readme": "README on the main branch",
    "main-name": "the student's full name",
    "main-subject": "the subject",
    "main-task": "the chosen task",
    "main-data": "the data set",
    "homework-branches": "a branch homework_<n> for each homework",
    "repository-size": "a repository of reasonable size",
}
"""Of the main branch and the whole repository: id -> title."""

HOMEWORK: dict[str, str] = {
    "branch-name": "the branch is named homework_<n>",
    "readme": "a README of its own",
    "readme-encoding": "README in UTF-8",
    "task-kind": "what kind of task",
    "task-class-count": "how many classes",
    "task-class-names": "which classes",
    "data": "the data set",
    "requirements": "requirements.txt with the versions of the libraries",
    "code": "code as notebooks or .py",
    "online-link": "a link if the work was done in Colab or Kaggle",
    "loss-curve": "figure: loss during training",
    "metric-curves": "figure: metrics on the validation set during training",
    "examples": "5 to 10 example pictures with the network's output",
    "metrics-overall": "metric values over all classes",
    "metrics-per-class": "metric values of each class",
    "experiment": "an experiment",
    "experiment-goal": "each experiment: goal",
    "experiment-idea": "each experiment: idea",
    "experiment-results": "each experiment: results",
    "experiment-baseline": "each experiment: comparison with the baseline",
    "experiment-conclusions": "each experiment: conclusions",
    "own-conclusions": "conclusions in the student's own words",
    "figures": "figures open and are not blank",
    "figure-links": "links to pictures lead to files of the branch",
    "files": "all files are in the repository itself",
    "numbers": "the numbers of README are the numbers of the run",
}
"""Of each homework: id -> title."""

TITLES = MAIN | HOMEWORK

METRICS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "classification": (("precision", "recall", "f1"), ("precision", "recall", "f1")),
    "segmentation": (("precision", "recall", "f1", "dice"), ("precision", "recall", "f1", "dice")),
    "detection": (("precision", "recall", "map50", "map"), ("precision", "recall", "f1")),
}
"""Task -> metrics over all classes, and of each class."""

EXAMPLES = (5, 10)
"""How many example pictures there should be, at least and at most."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one requirement at one place."""

    branch: str
    requirement: str
    """An id of ``TITLES``."""
    status: Status
    """``unknown``: the program cannot tell; a person has to look."""
    place: str
    """File and line or heading; the branch where there is no file."""
    found: str
    """What is there, in a few words."""
    cure: str = ""
    """What to do; empty where nothing is to be done."""

    @property
    def title(self) -> str:
        """The requirement in words."""
        return TITLES[self.requirement]

    def record(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self) | {"title": self.title}


def worst(statuses: "list[Status]") -> Status | None:
    """What several findings about one requirement come to; None without any."""
    return next((status for status in ("fail", "unknown", "pass") if status in statuses), None)
