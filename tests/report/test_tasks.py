"""What every task gives to the report."""

import pytest

from vyvod.report.tasks import TASKS
from vyvod.report.text import TEXTS


@pytest.mark.parametrize("name", TASKS)
def test_its_sentences_exist(name: str) -> None:
    task = TASKS[name]
    assert {*task.SENTENCES, *task.SENTENCES.values(), *task.DEFINITIONS.values()} <= set(TEXTS)
