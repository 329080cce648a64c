"""Runs on a real Ray cluster of two workers, one of which is killed on the way: the numbers and folders of a local run."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from benchmarks import kills
from tests.experiment.experiments import TINY, tiny

from vyvod.errors import RunError, SettingsError
from vyvod.experiment import record
from vyvod.experiment.execution import Job, Outcome, Room, Watch, find_execution, perform
from vyvod.experiment.run import train
from vyvod.experiment.settings import Settings, check

ray = pytest.importorskip("ray", reason="needs Ray: pip install 'vyvod[scale]'")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Ray leaves its log files open


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Two CPUs: two workers."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


def _job(settings: Settings, name: str) -> Job:
    return Job(name, settings, record.create_folder(settings.folder, name), "vyvod experiment tiny.yaml --on ray")


def _own_network(folder: Path, repository: Path) -> str:
    text = (repository / "src/vyvod/models/classification/plain.py").read_text(encoding="utf-8")
    (folder / "my_net.py").write_text(f'{text}\nTASKS = ("classification",)\n', encoding="utf-8")
    return "./my_net.py"


def test_two_workers_one_of_which_is_killed(
    cluster: None, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    longer, network = {"epochs": 30}, _own_network(tmp_path, repository)
    alone = train(check(tiny(seed=0, name="alone", training=longer)))
    jobs = [
        _job(check(tiny(seed=0, training=longer)), "killed"),
        _job(check({**tiny(seed=1), "model": {**TINY["model"], "name": network, "weights": str(alone)}}), "own"),
        _job(check(tiny(seed=2, training={"batch_size": 500})), "bad"),
    ]
    outcomes: dict[str, str | None] = {}
    killed: list[int] = []

    def kill() -> None:
        if not killed and (jobs[0].folder / "checkpoints" / "last.pt").exists():
            for process in psutil.process_iter(["cmdline"]):
                if _trains(process, jobs[0].folder):
                    process.kill()
                    killed.append(process.pid)

    def ended(outcome: Outcome) -> None:
        outcomes[outcome.job.label] = outcome.error

    find_execution("ray")(jobs, Room(0, 1), Watch(ended=ended, tick=kill))
    assert len(killed) == 1
    assert outcomes["killed"] is None
    assert outcomes["own"] is None, "its weights and its network's file have travelled with it"
    assert "training.batch_size" in (outcomes["bad"] or "")
    assert kills.compare(alone, jobs[0].folder) == []
    known = record.open_folder(jobs[0].folder)
    assert (known["status"], known["command"]) == ("finished", "vyvod experiment tiny.yaml --on ray")
    assert [event["event"] for event in known["history"]] == ["started", "resumed"]
    assert (jobs[0].folder / "report.html").is_file()


def _trains(process: psutil.Process, folder: Path) -> bool:
    """Whether it is the worker of a run: its scratch folder holds the lock of that run's folder."""
    try:
        return any(file.path.endswith(f"{folder.name}/.lock") for file in process.open_files())
    except psutil.Error:
        return False


def test_a_machine_with_other_sources_is_refused(
    cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("vyvod.experiment.cluster.code_fingerprint", lambda settings: "of the driver")
    errors: list[str | None] = []
    watch = Watch(ended=lambda outcome: errors.append(outcome.error))
    find_execution("ray")([_job(check(tiny()), "run")], Room(1, 1), watch)
    assert "has other sources than the driver's" in (errors[0] or "")
    assert not (tmp_path / "runs" / "run" / "run.json").exists()


def test_a_remote_client_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "ray://127.0.0.1:10001")
    with pytest.raises(SettingsError, match="Start the experiment on a machine of the cluster"):
        find_execution("ray")([], Room(1, 1), Watch())


def test_a_folder_travels_whole(finished_run: Path, tmp_path: Path) -> None:
    from vyvod.experiment.cluster import pack, unpack

    unpack(pack(finished_run), tmp_path / "copy")
    names = [path.relative_to(finished_run) for path in finished_run.rglob("*") if path.is_file()]
    for name in names:
        if name.name != ".lock":
            assert (tmp_path / "copy" / name).read_bytes() == (finished_run / name).read_bytes()
    assert perform(Job("run", check(tiny()), tmp_path / "copy")).error is None, "it is finished there too"


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside"])
def test_no_file_leaves_the_folder(tmp_path: Path, name: str) -> None:
    from vyvod.experiment.cluster import unpack

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(RunError, match="lies outside"):
        unpack(buffer.getvalue(), tmp_path / "copy")
    assert not list(tmp_path.rglob("outside"))
