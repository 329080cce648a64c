"""An experiment is registered before it begins, trains what is missing and nothing else, and goes on after any end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from benchmarks import kills
from tests.experiment.experiments import inline, statuses, tiny, told, without_pictures, write

from vyvod.errors import RunError, SettingsError
from vyvod.experiment import record
from vyvod.experiment.board import Row
from vyvod.experiment.execution import Job, Outcome, Room, Watch, find_execution, local
from vyvod.experiment.forecast import dry_run
from vyvod.experiment.identity import code_fingerprint, settings_hash
from vyvod.experiment.run import train
from vyvod.experiment.runner import run_experiment
from vyvod.experiment.settings import check


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Labels of what is trained, in this process and without pictures."""
    labels: list[str] = []

    def counting(jobs: Sequence[Job], room: Room, watch: Watch) -> None:
        labels.extend(job.label for job in jobs)
        inline(jobs, room, watch)

    without_pictures(monkeypatch, counting)
    return labels


def test_an_experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_pictures(monkeypatch, report=True)
    folder = run_experiment(write(tmp_path), command="vyvod experiment tiny.yaml")
    assert {path.name for path in folder.iterdir()} >= {
        "experiment.yaml", "record.json", "results.json", "README.md", "report.html", "figures",
    }  # fmt: skip
    assert statuses("tiny") == {"baseline": ["finished"] * 3, "smoother": ["finished"] * 3}
    for arm in told("tiny")["arms"]:
        for run in arm["runs"]:
            known = record.open_folder(Path(run["folder"]))
            assert (known["seed"], known["name"]) == (run["seed"], f"tiny-{arm['name']}-seed{run['seed']}")
            assert known["command"] == "vyvod experiment tiny.yaml"
    verdicts = [idea["comparison"]["verdict"] for idea in told("tiny", "results.json")["ideas"]]
    assert verdicts[0] in ("better", "worse", "equivalent", "undecided")


def test_registered_before_the_first_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []

    def look(jobs: Sequence[Job], room: Room, watch: Watch) -> None:
        seen.append(told("tiny"))
        assert not list(Path("runs").glob("*/run.json")), "no run has begun"
        raise KeyboardInterrupt

    without_pictures(monkeypatch, look)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(write(tmp_path))
    registered = seen[0]["registered"]
    assert len(registered["hash"]) == 64
    assert registered["time"].endswith("+00:00")
    assert registered["goal"] == {"metric": "f1", "direction": "up", "margin": 0.02}
    assert registered["idea"] == "It is worth a try."
    assert registered["changes"] == {"smoother": {"training.label_smoothing": 0.1}}
    assert registered["baseline"]["training"]["epochs"] == 2
    assert registered["detectable"]["difference"] is None
    assert {run["status"] for arm in seen[0]["arms"] for run in arm["runs"]} == {"missing"}


def test_nothing_is_trained_twice(tmp_path: Path, trained: list[str]) -> None:
    run_experiment(write(tmp_path, seeds=2))
    assert trained == [f"{arm}, seed {seed}" for seed in range(2) for arm in ("baseline", "smoother")]
    registered = told("tiny")["registered"]
    trained.clear()
    run_experiment(write(tmp_path, seeds=2))
    assert trained == []
    assert told("tiny")["registered"] == registered
    assert not any(run["reused"] for arm in told("tiny")["arms"] for run in arm["runs"]), "they are its own"


def test_a_second_idea_does_not_pay_for_the_baseline_again(tmp_path: Path, trained: list[str]) -> None:
    run_experiment(write(tmp_path, seeds=2))
    trained.clear()
    second = write(tmp_path, seeds=2, name="second", changes={"average": {"training.ema": 0.9}})
    run_experiment(second)
    assert trained == ["average, seed 0", "average, seed 1"]
    runs = told("second")["arms"][0]["runs"]
    assert [(run["folder"], run["reused"]) for run in runs] == [(f"runs/tiny-baseline-seed{n}", True) for n in (0, 1)]
    detectable = told("second")["registered"]["detectable"]
    assert detectable["difference"] > 0
    assert "from 2 earlier runs of the baseline" in detectable["basis"]


def test_a_run_of_vyvod_train_is_reused(tmp_path: Path, trained: list[str]) -> None:
    folder = train(check(tiny(seed=1, name="by-hand")))
    run_experiment(write(tmp_path, seeds=2))
    assert "baseline, seed 1" not in trained
    assert told("tiny")["arms"][0]["runs"][1]["folder"] == folder.as_posix()


@pytest.mark.parametrize("key", ["settings_hash", "code", "images", "report"])
def test_what_is_not_the_same_run_is_not_reused(key: str, tmp_path: Path, trained: list[str]) -> None:
    folder = train(check(tiny(seed=0)))
    if key == "report":
        (folder / "report.html").unlink()  # killed while it was written
    elif key == "images":
        data = record.open_folder(folder)["data"]
        data["splits"]["val"]["fingerprint"] = "others"
        record.update(folder, data=data)
    else:
        record.update(folder, **{key: "another"})
    run_experiment(write(tmp_path, seeds=1))
    assert trained == ["baseline, seed 0", "smoother, seed 0"]


def test_what_decides_numbers_decides_the_hash(tmp_path: Path) -> None:
    def of(**changes: Any) -> str:
        return settings_hash(check(tiny(**changes)))

    usual = of()
    indifferent: list[dict[str, Any]] = [
        {"seed": 3}, {"name": "x"}, {"folder": "elsewhere"}, {"report": {"language": "ru"}}, {"tracking": ["tensorboard"]},
        {"data": {"workers": 3, "cache": True}}, {"model": {"dropout": 0.0}}, {"task": "classification"},
    ]  # fmt: skip
    assert {of(**changes) for changes in indifferent} == {usual}
    decisive: list[dict[str, Any]] = [
        {"training": {"epochs": 3}}, {"training": {"threads": 2}}, {"model": {"width": 5}}, {"data": {"limit": 100}},
        {"augmentation": {"mixup": 0.2}},
    ]  # fmt: skip
    hashes = {of(**changes) for changes in decisive}
    assert len(hashes) == len(decisive)
    assert usual not in hashes


def test_weights_count_by_their_content(tmp_path: Path) -> None:
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / f"{name}.pth").write_bytes(content)
    one, same, other = (settings_hash(check(tiny(model={"weights": f"{name}.pth"}))) for name in "abc")
    assert one == same != other


def test_own_files_are_part_of_the_code(tmp_path: Path, repository: Path) -> None:
    text = (repository / "src/vyvod/models/classification/plain.py").read_text(encoding="utf-8")
    own = tmp_path / "my_net.py"
    own.write_text(f'{text}\nTASKS = ("classification",)\n', encoding="utf-8")
    settings = check({**tiny(), "model": {"name": "./my_net.py"}})
    before = code_fingerprint(settings)
    assert before == code_fingerprint(settings) != code_fingerprint(check(tiny()))
    own.write_text(own.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert code_fingerprint(settings) != before


def test_a_run_that_fails_is_listed_and_the_others_go_on(tmp_path: Path, trained: list[str]) -> None:
    changes = {"large": {"training.batch_size": 500}, "average": {"training.ema": 0.9}}
    run_experiment(write(tmp_path, seeds=1, changes=changes))
    assert statuses("tiny") == {"baseline": ["finished"], "large": ["failed"], "average": ["finished"]}
    failed = told("tiny")["arms"][1]["runs"][0]
    assert "training.batch_size" in failed["error"]
    results = told("tiny", "results.json")["ideas"]
    assert results[0]["runs"][0]["error"] == failed["error"]
    assert results[0]["comparison"]["reason"] == "no_values"
    trained.clear()
    run_experiment(write(tmp_path, seeds=1, changes=changes))
    assert trained == ["large, seed 0"], "it is tried again, and only it"
    assert len(list(Path("runs").iterdir())) == 3, "in its own folder"


def test_too_few_seeds_give_no_verdict(tmp_path: Path, trained: list[str]) -> None:
    run_experiment(write(tmp_path, seeds=2))
    comparison = told("tiny", "results.json")["ideas"][0]["comparison"]
    assert (comparison["verdict"], comparison["reason"]) == (None, "seeds")
    assert comparison["difference"] is not None


def test_stopped_and_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stops(jobs: Sequence[Job], room: Room, watch: Watch) -> None:
        inline(jobs[:1], room, watch)
        watch.began(jobs[1])
        assert statuses("tiny")["smoother"] == ["running", "missing"]
        raise KeyboardInterrupt

    without_pictures(monkeypatch, stops)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(write(tmp_path, seeds=2))
    assert statuses("tiny") == {"baseline": ["finished", "missing"], "smoother": ["missing", "missing"]}
    without_pictures(monkeypatch)
    run_experiment(write(tmp_path, seeds=2))
    assert statuses("tiny") == {"baseline": ["finished"] * 2, "smoother": ["finished"] * 2}
    assert len(list(Path("runs").iterdir())) == 4, "folders that were made are used, not numbered"


def test_stopped_before_a_run_was_on_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stops(jobs: Sequence[Job], room: Room, watch: Watch) -> None:
        record.update(
            jobs[0].folder, status="interrupted"
        )  # as a run leaves it that was stopped while it read the images
        raise KeyboardInterrupt

    without_pictures(monkeypatch, stops)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(write(tmp_path, seeds=1))
    without_pictures(monkeypatch)
    run_experiment(write(tmp_path, seeds=1))
    assert statuses("tiny") == {"baseline": ["finished"], "smoother": ["finished"]}
    assert len(list(Path("runs").iterdir())) == 2


def test_changed_later_is_said_and_the_registered_goal_rules(tmp_path: Path, trained: list[str]) -> None:
    run_experiment(write(tmp_path, seeds=1))
    added = {"smoother": {"training.label_smoothing": 0.2}, "average": {"training.ema": 0.9}}
    run_experiment(write(tmp_path, seeds=2, goal={"margin": 0.5}, idea="Another.", changes=added))
    assert told("tiny")["changed_later"] == [
        "The margin of the goal was 0.02 when it was registered and is 0.5 now.",
        "The text of the idea was changed after it had been registered.",
        "The seeds were [0] when the experiment was registered and are [0, 1] now.",
        "What the idea smoother changes was training.label_smoothing=0.1 when it was registered and is "
        "training.label_smoothing=0.2 now.",
        "The idea average was added after the experiment had been registered.",
    ]
    assert told("tiny", "results.json")["margin"] == 0.02


def test_changed_before_any_run_is_registered_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(jobs: Sequence[Job], room: Room, watch: Watch) -> None:
        raise RunError("no room")

    without_pictures(monkeypatch, refuses)
    monkeypatch.setattr("vyvod.experiment.record.create_folder", _no_folder)
    with pytest.raises(RunError):
        run_experiment(write(tmp_path))
    with pytest.raises(RunError):
        run_experiment(write(tmp_path, goal={"margin": 0.5}))
    assert told("tiny")["registered"]["goal"]["margin"] == 0.5
    assert told("tiny")["changed_later"] == []


def _no_folder(parent: Path, name: str) -> Path:
    raise RunError("no folder")


def test_sentences_in_the_language_of_the_report(tmp_path: Path, trained: list[str]) -> None:
    run_experiment(write(tmp_path, seeds=1, report={"language": "ru"}))
    run_experiment(write(tmp_path, seeds=1, report={"language": "ru"}, goal={"margin": 0.5}))
    assert told("tiny")["changed_later"] == ["В цели при регистрации было margin = 0.02, теперь 0.5."]
    assert "language: ru" in (Path("runs") / "tiny-baseline-seed0" / "settings.yaml").read_text(encoding="utf-8")


def test_weights_of_a_run_before(tmp_path: Path, trained: list[str]) -> None:
    file = write(tmp_path, seeds=1, changes={"warm": {"model.weights": "before/first"}}, before={"first": tiny()})
    run_experiment(file)
    assert trained == ["before-first, seed 0", "baseline, seed 0", "warm, seed 0"]
    first = told("tiny")["before"][0]["runs"][0]
    warm = record.open_folder(Path(told("tiny")["arms"][1]["runs"][0]["folder"]))
    assert warm["model"]["weights"]["source"].startswith(first["folder"])
    trained.clear()
    run_experiment(file)
    assert trained == []
    (change,) = told("tiny", "results.json")["ideas"][0]["changes"]
    assert change == {"key": "model.weights", "before": None, "after": first["folder"]}


def test_a_run_before_that_fails_takes_its_ideas_along_and_no_others(tmp_path: Path, trained: list[str]) -> None:
    before = {"first": tiny(training={"batch_size": 500})}
    run_experiment(write(tmp_path, seeds=1, changes={"warm": {"model.weights": "before/first"}}, before=before))
    assert statuses("tiny") == {"baseline": ["finished"], "warm": ["failed"]}
    assert "before-first, seed 0 failed, from whose weights it begins" in told("tiny")["arms"][1]["runs"][0]["error"]


def test_declared_data_must_leave_the_test_images_alone(tmp_path: Path, trained: list[str]) -> None:
    with pytest.raises(SettingsError, match="changes the test split: of the baseline's 200 images 100 are in it"):
        run_experiment(write(tmp_path, changes={"fewer": {"data.limit": 100}}, declared=["data"]))
    with pytest.raises(SettingsError, match="changes the classes"):
        run_experiment(write(tmp_path, changes={"two": {"data.classes": ["Bag", "Coat"]}}, declared=["data"]))
    assert not Path("experiments").exists()
    run_experiment(write(tmp_path, seeds=1, changes={"larger": {"data.image_size": 32}}, declared=["data"]))
    assert statuses("tiny")["larger"] == ["finished"]


def test_a_dry_run_says_what_would_be_done_and_does_nothing(tmp_path: Path, trained: list[str]) -> None:
    file = write(tmp_path, seeds=2)
    first = "\n".join(dry_run(file, jobs=2))
    assert "baseline: 2 to train, 2 epochs each" in first
    assert "4 runs would be trained, 2 at once, 1 CPU thread each; 0 are there already." in first
    assert "Time: unknown until the first run of each arm has ended." in first
    assert "there will be no verdict" in first
    assert not Path("experiments").exists()
    run_experiment(file)
    more = "\n".join(dry_run(write(tmp_path, seeds=4), jobs=2))
    assert (
        "baseline: 2 to train, 2 epochs each; there already: runs/tiny-baseline-seed0, runs/tiny-baseline-seed1" in more
    )
    assert "Time: about " in more
    assert told("tiny")["registered"]["seeds"] == [0, 1]


def test_an_experiment_is_carried_out_once_at_a_time(tmp_path: Path, trained: list[str]) -> None:
    (Path("experiments") / "tiny").mkdir(parents=True)
    with record.held(Path("experiments") / "tiny"), pytest.raises(RunError, match="is in use"):
        run_experiment(write(tmp_path))


def test_threads_and_places() -> None:
    with pytest.raises(SettingsError, match="--on slurm: expected local"):
        find_execution("slurm")
    assert find_execution("local") is local


def test_threads_are_registered(tmp_path: Path, trained: list[str]) -> None:
    baseline = tiny()
    del baseline["training"]["threads"]
    run_experiment(write(tmp_path, seeds=1, baseline=baseline), jobs=1)
    threads = told("tiny")["threads"]
    run_experiment(write(tmp_path, seeds=2, baseline=baseline), jobs=2)
    assert told("tiny")["threads"] == threads
    found = {record.open_folder(path.parent)["settings_hash"] for path in Path("runs").glob("*baseline*/run.json")}
    assert len(found) == 1, "later runs have the threads of the first ones"
    with pytest.raises(SettingsError, match="--jobs 0"):
        run_experiment(write(tmp_path), jobs=0)


class Shown:
    """A board that remembers."""

    def __init__(self) -> None:
        self.rows: list[list[Row]] = []
        self.remaining: list[float | None] = []
        self.said: list[str] = []

    def show(self, rows: Sequence[Row], remaining: float | None) -> None:
        self.rows.append(list(rows))
        self.remaining.append(remaining)

    def say(self, text: str) -> None:
        self.said.append(text)

    def end(self) -> None:
        pass


def test_the_board_is_told(tmp_path: Path, trained: list[str]) -> None:
    board = Shown()
    run_experiment(write(tmp_path, seeds=2), board=board)
    first, last = board.rows[0], board.rows[-1]
    assert [row.state for row in first] == ["training", "waiting", "waiting", "waiting"]
    assert [row.state for row in last] == ["finished"] * 4
    assert last[0].note.startswith("test f1 0.")
    assert board.remaining[1] is not None, "after the first run something is known"
    assert board.remaining[-1] is None


def _jobs(folder: Path, seeds: Sequence[int], **changes: Any) -> list[Job]:
    return [
        Job(f"seed {seed}", settings := check(tiny(seed=seed, folder=str(folder), **changes)),
            record.create_folder(settings.folder, f"seed{seed}"))
        for seed in seeds
    ]  # fmt: skip


def _ended(jobs: Sequence[Job], room: Room, tick: Callable[[], None] = lambda: None) -> dict[str, str | None]:
    outcomes: list[Outcome] = []
    local(jobs, room, Watch(ended=outcomes.append, tick=tick))
    return {outcome.job.label: outcome.error for outcome in outcomes}


def test_processes_train_the_same_bits_also_when_one_is_killed(tmp_path: Path) -> None:
    """Three runs in two processes, the first of which is killed on the way; one run cannot be trained at all."""
    longer = {"training": {"epochs": 4}}
    alone = train(check(tiny(seed=0, folder=str(tmp_path / "alone"), **longer)))
    jobs = [*_jobs(tmp_path / "many", [0, 1], **longer), *_jobs(tmp_path / "bad", [2], training={"batch_size": 500})]
    killed: list[int] = []

    def kill() -> None:
        if not killed and (jobs[0].folder / "metrics.csv").exists():
            workers = [each for each in psutil.Process().children() if "spawn_main" in " ".join(each.cmdline())]
            for worker in workers:
                if any(str(jobs[0].folder) in file.path for file in worker.open_files()):
                    worker.kill()
                    killed.append(worker.pid)

    errors = _ended(jobs, Room(2, 1, log=tmp_path / "log.txt"), kill)
    assert killed
    assert errors["seed 0"] is None
    assert errors["seed 1"] is None
    assert "training.batch_size" in (errors["seed 2"] or "")
    assert kills.compare(alone, jobs[0].folder) == []
    events = [event["event"] for event in record.open_folder(jobs[0].folder)["history"]]
    assert events == ["started", "resumed"]


def test_a_process_that_always_dies_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vyvod.experiment.execution.TRIES", 2)
    own = tmp_path / "dies.py"
    own.write_text(
        '"""Dies."""\nimport os\nTASKS = ("classification",)\ndef build(*_):\n    os._exit(7)\n', encoding="utf-8"
    )
    jobs = [Job("dies", check({**tiny(), "model": {"name": str(own)}}), record.create_folder(tmp_path, "dies"))]
    error = _ended(jobs, Room(1, 1, log=tmp_path / "log.txt"))["dies"]
    assert error is not None
    assert "ended with exit code 7, 2 times" in error
    assert "--jobs 1" in error


def _driver(tmp_path: Path) -> subprocess.Popen[bytes]:
    words = ["experiment", "tiny.yaml", "--jobs", "2"]
    # A shell that started the tests in the background has told them to ignore SIGINT, and children inherit that.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heard}; import sys; from vyvod.cli import main; sys.argv[1:] = {words}; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def _wait(condition: Callable[[], bool], *, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _begun(number: int) -> bool:
    return len(list(Path("runs").glob("*/checkpoints/last.pt"))) >= number


def test_a_driver_that_is_stopped_or_killed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, seeds=1, baseline=tiny(training={"epochs": 40}))
    driver = _driver(tmp_path)
    _wait(lambda: _begun(1))
    children = psutil.Process(driver.pid).children(recursive=True)
    driver.send_signal(signal.SIGINT)
    output, _ = driver.communicate(timeout=60)
    assert driver.returncode == 130, output
    assert b"Stopped. Go on with" in output
    assert b"Traceback" not in output
    assert not psutil.wait_procs(children, timeout=10)[1]
    states = [json.loads(path.read_text())["status"] for path in Path("runs").glob("*/run.json")]
    assert "interrupted" in states
    assert statuses("tiny") == {"baseline": ["missing"], "smoother": ["missing"]}

    driver = _driver(tmp_path)
    _wait(lambda: any(_resumed(path) for path in Path("runs").glob("*/run.json")))
    children = psutil.Process(driver.pid).children(recursive=True)
    driver.kill()
    driver.communicate(timeout=60)
    assert not psutil.wait_procs(children, timeout=10)[1], "no orphan holds a run"

    without_pictures(monkeypatch)
    run_experiment(Path("tiny.yaml"))
    assert statuses("tiny") == {"baseline": ["finished"], "smoother": ["finished"]}
    assert len(list(Path("runs").iterdir())) == 2
    alone = train(check(tiny(folder=str(tmp_path / "alone"), training={"epochs": 40})))
    assert kills.compare(alone, Path("runs") / "tiny-baseline-seed0") == []


def _resumed(path: Path) -> bool:
    return any(event["event"] == "resumed" for event in json.loads(path.read_text()).get("history", []))
