"""One training from settings to report: made, resumed, extended."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.multiprocessing.spawn import ProcessRaisedException

from vyvod import errors
from vyvod.catalog import LIBRARIES, nearest
from vyvod.errors import RunError, SettingsError, TrainingError, UserError
from vyvod.evaluation.evaluate import evaluate
from vyvod.experiment import environment, record
from vyvod.experiment.assembly import Assembly, assemble, make_fabric, make_loaders, placed
from vyvod.experiment.beginning import check_unchanged, write_beginning
from vyvod.experiment.per_task import Trained, per_task
from vyvod.experiment.results import class_rows, write_results
from vyvod.experiment.settings import Settings, as_record, check, read_settings
from vyvod.files import full_disk, write_json
from vyvod.models import build
from vyvod.models.layers import convert_batch_norm
from vyvod.models.weights import load_weights, read_source, save_weights
from vyvod.report.report import write_report
from vyvod.tasks.contract import Task
from vyvod.tracking.csv import write_rows
from vyvod.tracking.trackers import Tracker, open_trackers
from vyvod.training import checkpoint
from vyvod.training.loop import Course, fit
from vyvod.training.optimizer import make_average, make_optimizer
from vyvod.training.state import State
from vyvod.types import Progress, Scores, Silence, SplitName

_JUDGED: tuple[SplitName, ...] = ("val", "test")
TRAINING_STATE = Path("checkpoints/last.pt")
LAST = Path("checkpoints/last.safetensors")
BEST = Path("checkpoints/best.safetensors")


@dataclass(slots=True)
class Job:
    """What the processes of a run are given; it can be sent to another process (Fabric wants it unfrozen for that)."""

    settings: Settings
    resume: Path | None = None
    progress: Progress = field(default_factory=Silence)
    command: str = ""
    judging: bool = False
    """Nothing is trained."""


def train(settings: Settings, *, progress: Progress | None = None, command: str = "") -> Path:
    """Train, evaluate, and write the report.

    Args:
        settings: checked.
        progress: how to show where it stands.
        command: what the user typed, for the record.

    Returns:
        the run folder.

    Raises:
        UserError: a mistake that the user can cure; what was trained so far is kept.
    """
    return _launch(Job(settings, None, progress or Silence(), command))


def train_in(folder: Path, settings: Settings, *, progress: Progress | None = None, command: str = "") -> Path:
    """Train in a folder that was made beforehand, or go on with the run that was begun in it.

    Args:
        folder: empty, or of a run with the same settings that was stopped.
        settings: checked.
        progress: how to show where it stands.
        command: what the user typed, for the record.

    Raises:
        UserError: a mistake that the user can cure; what was trained so far is kept.
    """
    return _launch(Job(settings, folder, progress or Silence(), command))


def judge(settings: Settings, *, progress: Progress | None = None, command: str = "") -> Path:
    """Evaluate the weights of ``model.weights`` on a data set, without training: a run of no epochs.

    Raises:
        UserError: a mistake that the user can cure, such as weights for other classes.
    """
    if settings.model.weights is None:
        raise UserError("There is nothing to evaluate: give a run folder, or weights with model.weights=FILE.")
    untrained = settings.model_copy(update={"training": settings.training.model_copy(update={"epochs": 0})})
    return _launch(Job(untrained, None, progress or Silence(), command, judging=True))


def resume(folder: Path, *, epochs: str | None = None, progress: Progress | None = None, command: str = "") -> Path:
    """Go on with a run that was stopped, or make a finished one longer.

    Args:
        folder: the run folder.
        epochs: the new number of epochs, ``12``, or more of them, ``+10``.
        progress: how to show where it stands.
        command: what the user typed, for the record.

    Returns:
        the run folder.

    Raises:
        UserError: it is not a run folder, it is in use, or its data have changed.
    """
    if is_complete(folder) and epochs is None:
        raise RunError(f"{folder} is finished already. Make it longer with training.epochs=+N, or start a new run.")
    settings = read_settings(folder / "settings.yaml")
    if epochs is not None:
        settings = _longer(settings, epochs)
    return _launch(Job(settings, folder, progress or Silence(), command))


def is_complete(folder: Path) -> bool:
    """Whether a run has come to its end; one that was killed while its report was written has not.

    Raises:
        RunError: it is not a run folder.
    """
    return record.open_folder(folder)["status"] == "finished" and (folder / "report.html").is_file()


def _longer(settings: Settings, epochs: str) -> Settings:
    before = settings.training.epochs
    try:
        after = before + int(epochs) if epochs.startswith("+") else int(epochs)
    except ValueError:
        raise UserError(f"training.epochs={epochs}: expected a whole number, or +N for N more epochs.") from None
    if after < before:
        raise UserError(
            f"training.epochs={after} is less than the {before} that the run was made for. Give more, or +N."
        )
    changed = as_record(settings)
    changed["training"]["epochs"] = after
    return check(changed)


def _launch(job: Job) -> Path:
    fabric = make_fabric(job.settings)
    try:
        return Path(fabric.launch(cast(Any, _process), job))
    except ProcessRaisedException as error:
        raise _from_process(str(error)) from error


def _from_process(report: str) -> Exception:
    # A process hands over its traceback as text; a user's mistake is found again by the name of its class.
    for line in reversed(report.splitlines()):
        name, colon, sentence = line.partition(": ")
        kind = getattr(errors, name.removeprefix("vyvod.errors."), None)
        if colon and name.startswith("vyvod.errors.") and isinstance(kind, type):
            return cast(Exception, kind(sentence))
    return RuntimeError(report)


def _process(fabric: Fabric, job: Job) -> str:
    first = fabric.global_rank == 0
    progress = job.progress if first else Silence()
    assembly = assemble(job.settings, judging=job.judging)
    _check_monitor(assembly)
    if job.resume is None and first and assembly.loaded is not None:
        progress.say(assembly.loaded.sentence())
    if job.resume is None and assembly.adapted is not None:
        progress.say(assembly.adapted)
    folder = job.resume or Path(
        fabric.broadcast(str(record.create_folder(job.settings.folder, _name(job.settings))) if first else "")
    )
    progress.say(_announcement(job, assembly, folder))
    for note in assembly.dataset.notes:
        progress.say(note)
    with ExitStack() as stack:
        if first:
            stack.enter_context(record.held(folder))
            check_unchanged(folder, assembly)  # before anything is written: a refusal leaves the run as it was
            stack.enter_context(_status_kept(folder, progress))
        _run(fabric, job, assembly, folder)
    if fabric.world_size > 1:
        # Leave together: a process that goes while another still talks to it is aborted by gloo, now and then.
        fabric.barrier()
        torch.distributed.destroy_process_group()
    return str(folder)


def _name(settings: Settings) -> str:
    return settings.name or f"{_short(settings.data.name)}-{_short(settings.model.name)}"


def _short(name: str) -> str:
    """``my_net`` for ``./my_net.py``, ``unet-resnet18`` for ``smp/unet/resnet18``."""
    if name.endswith(".py"):
        return Path(name).stem
    library, _, variant = name.partition("/")
    return variant.replace("/", "-") if library in LIBRARIES else name


@contextmanager
def _status_kept(folder: Path, progress: Progress) -> Iterator[None]:
    """Write down how the run ended, if it does not end well, and turn what a user can cure into a sentence."""
    try:
        yield
    except KeyboardInterrupt:
        progress.end()
        record.update(folder, status="interrupted", ended=record.now())
        progress.say(f"Stopped. Go on with: vyvod train --resume {folder}")
        raise
    except Exception as error:
        progress.end()
        told = error if isinstance(error, UserError) else _told(error) or full_disk(error) or error
        # The disk may be full: the record of the failure is worth less than the failure itself.
        with suppress(UserError):
            record.update(folder, status="failed", error=str(told), ended=record.now())
        if told is error:
            raise
        raise told from error


def _told(error: Exception) -> TrainingError | None:
    text = str(error)
    if _ONE_VALUE in text:
        return TrainingError(
            "Batch norm cannot train on a single value for each channel: somewhere in this network a batch of one image has "
            "no more (DeepLabv3's image pooling, or a tile as small as the network's stride). Set training.batch_size to 2 or "
            "more for each device, or a larger augmentation.crop_size."
        )
    signs = (
        "not enough memory",
        "can't allocate memory",
        "killed by signal: Killed",
        "unable to allocate",
        "Cannot allocate memory",
    )
    if not isinstance(error, MemoryError | torch.OutOfMemoryError) and not any(sign in text for sign in signs):
        return None
    return TrainingError(
        "The memory is not enough for this training. Lower training.batch_size (with training.accumulate=2 a step "
        "still takes as many images), data.image_size or data.workers, or set training.precision=bf16. "
        f"Torch said: {text.splitlines()[0] if text else type(error).__name__}"
    )


_ONE_VALUE = "Expected more than 1 value per channel"
"""What torch says."""


class Session:
    """A run while it trains: state, loaders, and what happens after each epoch."""

    def __init__(self, fabric: Fabric, job: Job, assembly: Assembly, folder: Path) -> None:
        self.fabric, self.job, self.assembly, self.folder = fabric, job, assembly, folder
        self.settings, self.task = job.settings, assembly.task
        self.first = fabric.global_rank == 0
        self.progress = job.progress if self.first else Silence()
        # A folder of images to be judged on may have one of them only.
        self.judged = tuple(name for name in _JUDGED if not job.judging or len(assembly.dataset.splits[name]))
        splits = self.judged if job.judging else ("train", *self.judged)
        self.loaders = make_loaders(assembly, fabric, splits, self.progress)
        self.state = self._make_state()
        self.trackers: list[Tracker] = []
        self.monitor = self.settings.training.monitor or self.task.headline
        self.started = time.monotonic()

    def _make_state(self) -> State:
        training, network = self.settings.training, self.assembly.network
        if self.fabric.world_size > 1:
            network = convert_batch_norm(network)
        network = placed(network, self.settings, self.fabric)
        average = make_average(network, training.ema) if training.ema else None
        optimizer = make_optimizer(network, training)
        compiled = cast(nn.Module, torch.compile(network)) if training.compile else network
        model, wrapped = self.fabric.setup(compiled, optimizer)
        return State(network, model, wrapped, average)

    def after_epoch(self, state: State, means: Mapping[str, float]) -> bool:
        """Evaluate on val, keep the best checkpoint, write everything down; True when it is enough."""
        self.progress.end()
        seconds = time.monotonic() - self.started
        scores = evaluate(
            self.fabric, state.evaluated, self.task, self.loaders["val"], label="validating", progress=self.progress
        )
        self.gather_skipped()
        better = self._note_best(scores.overall)
        self._add_rows(means, scores, seconds=seconds)
        if self.first:
            self._write(scores, better=better)
        self._thaw()
        self.fabric.barrier()
        self._begin_epoch()
        patience = self.settings.training.patience
        return patience is not None and state.epoch - state.best_epoch >= patience

    def train(self) -> None:
        """The epochs that are still to do."""
        training, loader = self.settings.training, self.loaders["train"]
        course = Course(self.task, training, self.settings.seed, loader.epoch, len(loader), self.progress)
        self._begin_epoch()
        fit(self.fabric, self.state, course, self.after_epoch)
        self.progress.end()

    def _begin_epoch(self) -> None:
        self.started = time.monotonic()
        if self.state.epoch < self.settings.training.epochs:
            images = len(self.loaders["train"]) * self.settings.training.batch_size
            self.progress.begin(f"epoch {self.state.epoch + 1}/{self.settings.training.epochs}", images)

    def _note_best(self, overall: Mapping[str, float]) -> bool:
        value = _monitored(overall, self.monitor, self.task)
        better = self.state.best is None or value > self.state.best
        if better:
            self.state.best, self.state.best_epoch = value, self.state.epoch
        return better

    def _add_rows(self, means: Mapping[str, float], scores: Scores, *, seconds: float) -> None:
        images = len(self.loaders["train"]) * self.settings.training.batch_size
        self.state.rows.append(
            {
                "epoch": self.state.epoch,
                "step": self.state.step,
                "train_loss": sum(means.values()),
                **({f"train_loss/{name}": value for name, value in means.items()} if len(means) > 1 else {}),
                **{f"val_{name}": value for name, value in scores.overall.items()},
                "learning_rate": self.state.optimizer.param_groups[0]["lr"],
                "seconds": round(seconds, 3),
                "images_per_second": round(images / max(seconds, 1e-9), 1),
            }
        )
        self.state.class_rows.extend(class_rows(scores, self.state.epoch, "val", self.task.classes))

    def _write(self, scores: Scores, *, better: bool) -> None:
        # The training state last: a run that is killed before it is written does the epoch again, to the same bits.
        if better:
            save_weights(self.state.evaluated, self.folder / BEST, {"epoch": str(self.state.epoch)})
        checkpoint.save(self.state, self.fabric, self.folder / TRAINING_STATE)
        write_rows(self.folder / "metrics.csv", self.state.rows)
        write_rows(self.folder / "per_class.csv", self.state.class_rows)
        row = self.state.rows[-1]
        for tracker in self.trackers:
            tracker.epoch(row, epoch=self.state.epoch, per_class=_by_name(scores, self.task.classes))
        shown = dict.fromkeys([self.monitor, *per_task(self.task.name).SHOWN])
        self.progress.say(_line(row, self.settings.training.epochs, shown, better=better))

    def gather_skipped(self) -> None:
        """Note which images could not be read, in any process; saved with the state, so that a kill forgets none."""
        mine = {text for loader in self.loaders.values() for text in loader.skipped}
        everyone: list[Any] = [mine]
        if self.fabric.world_size > 1:
            everyone = [None] * self.fabric.world_size
            torch.distributed.all_gather_object(everyone, mine)
        self.state.skipped = sorted(set(self.state.skipped).union(*everyone))

    def _thaw(self) -> None:
        model = self.settings.model
        if model.freeze and self.state.epoch == model.freeze_epochs:
            build.unfreeze(self.state.network)

    def restore(self) -> None:
        """Go back to the last whole epoch."""
        checkpoint.restore(self.state, self.fabric, self.folder / TRAINING_STATE)
        model = self.settings.model
        if model.freeze and model.freeze_epochs and self.state.epoch >= model.freeze_epochs:
            build.unfreeze(self.state.network)


def _run(fabric: Fabric, job: Job, assembly: Assembly, folder: Path) -> None:
    first = fabric.global_rank == 0
    if first:
        write_beginning(folder, assembly, fabric, command=job.command, progress=job.progress)
    fabric.barrier()
    session = Session(fabric, job, assembly, folder)
    if job.resume is not None and _has_state(folder):
        session.restore()
        _check_weights_of_best(session)
    if first:
        session.trackers = open_trackers(
            job.settings.tracking,
            folder,
            name=folder.name,
            settings=as_record(job.settings),
            resume_epoch=session.state.epoch,
        )
    if session.state.epoch < job.settings.training.epochs:
        session.train()
    if first:
        _write_last(session)
    fabric.barrier()
    _finish(session)


def _write_last(session: Session) -> None:
    # Once, and not after each epoch: until the end they are in the training state, and a large network takes long to write.
    network, epoch = session.state.evaluated, str(session.state.epoch)
    if session.state.epoch:
        save_weights(network, session.folder / LAST, {"epoch": epoch})
    if not (session.folder / BEST).exists():
        save_weights(network, session.folder / BEST, {"epoch": epoch})


def _has_state(folder: Path) -> bool:
    return (folder / TRAINING_STATE).exists()


def _check_weights_of_best(session: Session) -> None:
    if not (session.folder / BEST).exists():
        raise RunError(
            f"{session.folder / BEST} is missing, and the run cannot go on without it. Train anew from settings.yaml."
        )


def _finish(session: Session) -> None:
    """Evaluate the checkpoint that val chose, on val and, once, on test; write results, examples and report."""
    fabric, folder, assembly = session.fabric, session.folder, session.assembly
    network = session.state.evaluated
    load_weights(network, read_source(str(folder), assembly.architecture), head=assembly.architecture.head, whole=True)
    began = time.monotonic()
    scores = {
        name: evaluate(
            fabric, network, session.task, session.loaders[name], label=f"evaluating {name}", progress=session.progress
        )
        for name in session.judged
    }
    seconds = time.monotonic() - began
    session.gather_skipped()
    if not session.first:
        return
    scores = dict(per_task(session.task.name).settle(scores, session.task))
    write_results(folder, scores, session.state, session.task)
    shown = session.judged[-1]
    files = _write_examples(session, shown, scores[shown])
    _write_end(session, evaluation_seconds=seconds)
    for tracker in session.trackers:
        tracker.images("examples", files[: session.settings.report.examples])
        tracker.close({f"{shown}_{name}": value for name, value in scores[shown].overall.items()})
    session.progress.say("writing the report")
    write_report(folder, session.settings.report)


def _write_examples(session: Session, split: SplitName, scores: Scores) -> list[Path]:
    assembly, folder = session.assembly, session.folder
    trained = Trained(
        session.state.evaluated.eval(), session.settings, session.task, assembly.spec, assembly.normalisation,
        assembly.dataset.palette,
    )  # fmt: skip
    records = per_task(session.task.name).write_examples(
        folder, assembly.dataset.splits[split], trained, scores, count=session.settings.report.examples
    )
    write_json(folder / "examples.json", records)
    return [folder / example["file"] for example in records]


def _write_end(session: Session, *, evaluation_seconds: float) -> None:
    folder, rows = session.folder, session.state.rows
    data = record.open_folder(folder)["data"]
    skipped = sorted({*session.state.skipped, *data["skipped"]})
    seconds = [row["seconds"] for row in rows]
    record.update(
        folder,
        status="finished",
        ended=record.now(),
        data=data | {"skipped": skipped},
        best_epoch=session.state.best_epoch,
        trained_epochs=session.state.epoch,
        timings={
            "training_seconds": round(sum(seconds), 3),
            "evaluation_seconds": round(evaluation_seconds, 3),
            "seconds_per_epoch": round(sum(seconds) / len(seconds), 3) if seconds else None,
            "images_per_second": statistics.median(row["images_per_second"] for row in rows) if rows else None,
            "peak_memory_bytes": environment.peak_memory(session.fabric.device),
        },
    )


def _check_monitor(assembly: Assembly) -> None:
    monitor, known = assembly.settings.training.monitor, assembly.task.meter().compute().overall
    if monitor is not None and monitor not in known:
        raise SettingsError(
            f"training.monitor={monitor} is not a metric of this task.{nearest(monitor, known)} "
            f"There are {', '.join(sorted(known))}."
        )


def _announcement(job: Job, assembly: Assembly, folder: Path) -> str:
    data, settings = assembly.dataset, job.settings
    if job.judging:
        return f"{folder}: evaluating {settings.model.name} on {settings.data.name}"
    images, step = len(data.splits["train"]), settings.training.batch_size * settings.training.accumulate
    text = (
        f"{folder}: {settings.model.name} on {images} images of {settings.data.name}, {settings.training.epochs} epochs"
    )
    left = images % step
    if images / 20 < left < images:  # where not one step is filled, an error says so
        text += (
            f"\n{left} of the images are left out of each epoch, other ones each time: they do not fill a step of {step}. "
            "A smaller training.batch_size leaves out fewer."
        )
    return text


def _monitored(overall: Mapping[str, float], monitor: str, task: Task) -> float:
    sign = -1.0 if monitor in task.lower_is_better else 1.0
    return -math.inf if math.isnan(overall[monitor]) else sign * overall[monitor]


def _by_name(scores: Scores, classes: tuple[str, ...]) -> dict[str, dict[str, float]]:
    return {metric: dict(zip(classes, values.tolist(), strict=True)) for metric, values in scores.per_class.items()}


def _line(row: Mapping[str, Any], epochs: int, shown: Iterable[str], *, better: bool) -> str:
    values = "  ".join(f"{name} {row[f'val_{name}']:.4f}" for name in shown if f"val_{name}" in row)
    return (
        f"epoch {row['epoch']:>{len(str(epochs))}}/{epochs}  loss {row['train_loss']:.4f}  val loss {row['val_loss']:.4f}  "
        f"{values}  {row['seconds']:.1f} s, {row['images_per_second']:.0f} images/s{'  *best' if better else ''}"
    )
