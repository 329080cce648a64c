"""What every test may ask for."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real images for tests; the test skips where it is absent."""
    folder = Path(os.environ.get("VYVOD_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs the folder of test images ({folder}); set VYVOD_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; not to be changed."""
    # torch is loaded only where a test needs it.
    from tests.experiment.small import small

    from vyvod.experiment.run import train

    return train(small(tmp_path_factory.mktemp("finished")), command="vyvod train small.yaml")
