"""A small run that several tests look at."""

from pathlib import Path

import pytest

from tests.experiment.small import small
from vyvod.experiment.run import train


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; not to be changed."""
    return train(small(tmp_path_factory.mktemp("finished")), command="vyvod train small.yaml")
