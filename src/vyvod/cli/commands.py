"""The words of the command line: each is one call."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vyvod import __version__
from vyvod.cli.coursework import coursework_app
from vyvod.cli.words import all_words, app, command, table, take, tell
from vyvod.errors import SettingsError

if TYPE_CHECKING:
    from vyvod.experiment.settings import Settings

# torch and everything that needs it is imported in the commands: `vyvod --help` and `vyvod list` must come at once.

data_app = typer.Typer(help="Look at a data set before you train on it.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data_app, name="data")
app.add_typer(coursework_app, name="coursework")

Words = Annotated[
    list[str] | None,
    typer.Argument(
        help="A YAML file of settings and key=value changes, such as data=cifar10 training.epochs=5.",
        metavar="[FILE] [KEY=VALUE]...",
    ),
]
Run = Annotated[Path, typer.Argument(help="A run folder, such as runs/fashion-mnist-plain.", metavar="RUN")]
Overrides = Annotated[list[str] | None, typer.Argument(help="Changes of settings.", metavar="[KEY=VALUE]...")]


@app.callback(invoke_without_command=True)
def _options(version: Annotated[bool, typer.Option("--version", help="Show the version and end.")] = False) -> None:  # noqa: FBT002
    if version:
        print(f"vyvod {__version__}")
        raise typer.Exit


@command(words=True)
def train(
    context: typer.Context,
    words: Words = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with this run folder; training.epochs=+10 makes it longer.")
    ] = None,
) -> None:
    """Train a network and write the report."""
    from vyvod.experiment import run

    everything = all_words(context, words)
    if resume is None:
        folder = run.train(_settings(everything), progress=_progress(), command=_typed())
    else:
        folder = run.resume(resume, epochs=_only_epochs(everything), progress=_progress(), command=_typed())
    if _is_first():
        _show_scores(folder)
        _show_report(folder)


@command(words=True)
def evaluate(context: typer.Context, words: Words = None) -> None:
    """Evaluate a run (RUN [split=test] [data.*=... segmentation.*=...]), or weights (model=... model.weights=FILE data=...)."""
    everything = all_words(context, words)
    if everything and "=" not in everything[0] and Path(everything[0]).is_dir():
        from vyvod.experiment.reevaluation import reevaluate

        split, rest = take(everything[1:], "split", default="test")
        folder = reevaluate(Path(everything[0]), split=split, changes=rest, progress=_progress())
        _show_scores(folder)
        print(f"Scores, per class and per image: {folder}")
        return
    from vyvod.experiment import run

    folder = run.judge(_settings(everything), progress=_progress(), command=_typed())
    _show_scores(folder)
    _show_report(folder)


@command(words=True)
def predict(
    context: typer.Context,
    run: Run,
    source: Annotated[
        Path, typer.Argument(help="An image, a folder of images, or a video.", metavar="IMAGE_OR_FOLDER_OR_VIDEO")
    ],
    words: Overrides = None,
    output: Annotated[Path | None, typer.Option(help="Where to write; by default RUN/predictions.")] = None,
) -> None:
    """Ask a network about images or a video: a CSV file, and pictures of the answers (detection.confidence=0.5 ...)."""
    from vyvod.experiment.prediction import predict_files

    changes = all_words(context, words)
    found = predict_files(run, source, output=output, changes=changes, progress=_progress())
    for sentence in found.sentences[:10]:
        print(sentence)
    more = f" ({len(found.rows) - 10} more)" if len(found.rows) > 10 else ""
    pictures = " and ".join(str(found.folder / name) for name in found.pictures)
    print(f"{len(found.rows)} images{more}: {found.folder / 'predictions.csv'}, with pictures in {pictures or 'none'}")


@command()
def experiment(
    what: Annotated[str, typer.Argument(help="An experiment file; or list; or show NAME.", metavar="FILE|list|show")],
    name: Annotated[str | None, typer.Argument(help="The experiment to show.", metavar="[NAME]")] = None,
    dry_run: Annotated[  # noqa: FBT002
        bool, typer.Option("--dry-run", help="Say what would be trained, and how long that takes; train nothing.")
    ] = False,
    on: Annotated[str, typer.Option(help="Who trains: local processes, or ray (a Ray cluster).")] = "local",
    jobs: Annotated[int | None, typer.Option(help="Runs at once; by default as many as fit.")] = None,
) -> None:
    """Try ideas against a baseline: register, train what is missing, compare, and write the report."""
    if what == "list":
        from vyvod.experiment.listing import experiments

        table(("experiment", "goal", "idea", "difference", "verdict"), experiments())
    elif what == "show":
        _show_experiment(name)
    elif dry_run:
        from vyvod.experiment.forecast import dry_run as forecast

        print(*forecast(Path(what), on=on, jobs=jobs), sep="\n")
    else:
        _run_experiment(Path(what), on=on, jobs=jobs)


@command(words=True)
def compare(
    words: Annotated[
        list[str] | None,
        typer.Argument(help="Runs of the idea, then of the baseline.", metavar="RUNS... --baseline RUNS..."),
    ] = None,
    metric: Annotated[str | None, typer.Option(help="What decides; by default the task's headline metric.")] = None,
    margin: Annotated[float | None, typer.Option(help="The smallest difference that matters.")] = None,
    output: Annotated[Path | None, typer.Option(help="Write everything to this JSON file too.")] = None,
) -> None:
    """Compare runs that are there already: vyvod compare runs/idea-* --baseline runs/plain-*."""
    from vyvod.experiment.comparable import compare_folders
    from vyvod.experiment.listing import comparison
    from vyvod.files import write_json

    ideas, baseline = _both_arms(words or [])
    results = compare_folders(ideas, baseline, metric=metric, margin=margin)
    print(*comparison(results), sep="\n")
    if output is not None:
        write_json(output, results)
        print(f"Everything: {output}")


@command(words=True)
def report(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(help="A run folder, the folder of an experiment, or a repository of both.", metavar="FOLDER"),
    ],
    words: Overrides = None,
) -> None:
    """Write README.md and report.html again, from the folder alone (report.language=ru|en); `vyvod report .` for all of them."""
    from vyvod.experiment.pages import write_pages

    text, page = write_pages(folder, all_words(context, words))
    print(f"Report: {page}")
    print(f"        {text}")


@command()
def export(
    run: Run,
    output: Annotated[Path | None, typer.Option(help="The file; by default RUN/model.onnx.")] = None,
) -> None:
    """Write the network as ONNX, normalisation (of detectors also decoding and suppression) inside, and check the file."""
    from vyvod.experiment.assembly import trained
    from vyvod.experiment.per_task import per_task

    known = trained(run)
    for sentence in per_task(known.task.name).export(known, output or run / "model.onnx"):
        print(sentence)


@command(name="list")
def list_(what: Annotated[str, typer.Argument(help="data, models or metrics")]) -> None:
    """Show what there is: data, models or metrics."""
    from vyvod import catalog

    match what:
        case "data":
            table(
                ("name", "task", "what"), [(e.name, ", ".join(e.tasks), e.title) for e in catalog.datasets().values()]
            )
            print(
                "Your own: data=./my_data.py (see CONTRIBUTING.md), data=image-folder, data=mask-folder or data=box-folder "
                "with data.root=FOLDER"
            )
        case "models":
            table(
                ("name", "task", "what"),
                [(name, ", ".join(e.tasks), e.title) for name, e in catalog.architectures().items()],
            )
            print("Your own: model=./my_net.py (see CONTRIBUTING.md). Options of one: vyvod settings model=NAME")
        case "metrics":
            rows = [(name, task, what) for task, known in catalog.metrics().items() for name, what in known.items()]
            table(("name", "task", "what"), rows)
        case _:
            near = catalog.nearest(what, ("data", "models", "metrics"))
            raise SettingsError(f"There is no list of '{what}'.{near} Expected data, models or metrics.")


@command(words=True)
def settings(
    context: typer.Context,
    words: Words = None,
    schema: Annotated[bool, typer.Option("--schema", help="The JSON Schema, for editors.")] = False,  # noqa: FBT002
) -> None:
    """Show all settings as YAML, each with its meaning; with words: as they would be used."""
    from vyvod.experiment import settings as known

    if schema:
        print(known.schema())
    else:
        print(known.explained(_settings(all_words(context, words))), end="")


@command(name="find-lr", words=True)
def find_lr(context: typer.Context, words: Words = None) -> None:
    """Propose a learning rate: the loss while the rate goes up (Smith 2015), as a figure and a number."""
    from vyvod.experiment.rate import find_rate

    found = find_rate(_settings(all_words(context, words)), progress=_progress())
    print(f"Proposed: training.learning_rate={found.proposed:.1e}")
    print(f"The loss falls steepest at {found.steepest:.1e}; the highest rate that was tried is {found.blows_up:.1e}.")
    print(f"Figure and values: {found.figure}")


@command()
def doctor() -> None:
    """Check what is installed, which devices there are, what is missing and how to get it."""
    from vyvod.experiment.doctor import checkup

    findings = checkup()
    table(
        ("", "what", "found", "cure"),
        [({"ok": "ok", "warning": "!", "missing": "-"}[f.status], f.name, f.value, f.cure) for f in findings],
    )


@command(name="check", parent=data_app, words=True)
def data_check(context: typer.Context, words: Words = None) -> None:
    """Find unreadable images, masks and odd boxes, duplicates (also across splits), odd formats, and unbalanced classes."""
    from vyvod.experiment.datacheck import check_data

    summary, path = check_data(_settings(all_words(context, words)), progress=_progress())
    table(
        ("", ""),
        [
            ("images", str(summary["images"])),
            ("modes", ", ".join(f"{n} {mode}" for mode, n in summary["modes"].items())),
        ],
    )
    for note in summary["notes"]:
        print(note)
    for finding in summary["findings"] or ["Nothing suspicious was found."]:
        print(f"- {finding}")
    print(f"Everything, with the names of the images: {path}")


@command(name="convert", parent=data_app, words=True)
def data_convert(context: typer.Context, words: Words = None) -> None:
    """Write a data set with boxes in another format: data=... [data.root=...] to=coco|voc|yolo output=FOLDER."""
    from vyvod.experiment.dataconvert import convert_data

    to, rest = take(all_words(context, words), "to", default="")
    output, rest = take(rest, "output", default="")
    if not to or not output:
        raise SettingsError(
            "Name the format and a new folder: vyvod data convert data=... to=coco|voc|yolo output=FOLDER"
        )
    written = convert_data(_settings(rest), to=to, output=Path(output), progress=_progress())
    print(f"{written.images} images with {written.objects} objects: {output}")
    if written.left_out:
        print(f"{written.left_out} objects that do not count were left out: YOLO's files have no word for them.")
    print(f"To use them: data=box-folder data.root={output}")


def main() -> None:
    """The entry point of ``vyvod``."""
    # No library may write to another place or ask the network, unless the user has asked for it.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")
    app()


def _run_experiment(file: Path, *, on: str, jobs: int | None) -> None:
    from vyvod.experiment.listing import experiment as lines
    from vyvod.experiment.runner import run_experiment
    from vyvod.terminal import Rows

    try:
        folder = run_experiment(file, on=on, jobs=jobs, board=Rows(), command=_typed())
    except KeyboardInterrupt:
        tell(f"Stopped. Go on with: {_typed()}")
        raise typer.Exit(130) from None
    print(*lines(str(folder)), sep="\n")


def _show_experiment(name: str | None) -> None:
    from vyvod.experiment.listing import experiment as lines

    if name is None:
        raise SettingsError("Name the experiment: vyvod experiment show NAME. `vyvod experiment list` lists all.")
    print(*lines(name), sep="\n")


def _both_arms(words: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """The runs before ``--baseline``, and those behind it."""
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] != "--baseline"]
    if unknown:
        raise SettingsError(f"There is no option {unknown[0]}. Known: --baseline, --metric, --margin, --output.")
    spread = [part for word in words for part in (word.split("=", 1) if word.startswith("--baseline=") else [word])]
    place = spread.index("--baseline") if "--baseline" in spread else len(spread)
    return [Path(word) for word in spread[:place]], [Path(word) for word in spread[place + 1 :] if word != "--baseline"]


def _settings(words: Sequence[str]) -> Settings:
    from vyvod.experiment.settings import read_settings

    file = Path(words[0]) if words and "=" not in words[0] else None
    return read_settings(file, words[1:] if file else words)


def _only_epochs(words: Sequence[str]) -> str | None:
    epochs, rest = take(words, "training.epochs", default="")
    if rest:
        raise SettingsError(
            f"A resumed run keeps its settings; only training.epochs can change, and {rest[0]} was given. "
            "For other settings start a new run: vyvod train RUN/settings.yaml KEY=VALUE"
        )
    return epochs or None


def _is_first() -> bool:
    # Under torchrun and SLURM this program runs once for each device.
    return int(os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0"))) == 0


def _typed() -> str:
    import shlex

    return shlex.join(["vyvod", *sys.argv[1:]])


def _progress() -> Any:
    from vyvod.terminal import Terminal

    return Terminal()


def _show_scores(folder: Path) -> None:
    from vyvod.files import read_json

    scores = read_json(folder / "scores.json")
    names = dict.fromkeys(name for split in scores.values() for name in split["overall"])
    table(
        ("metric", *scores),
        [(name, *(_number(split["overall"].get(name)) for split in scores.values())) for name in names],
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _show_report(folder: Path) -> None:
    print(f"Report: {folder / 'report.html'}")
    print(f"        {folder / 'README.md'}")
