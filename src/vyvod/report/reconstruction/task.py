"""What only the report of an autoencoder has: what is undone, images redrawn, the PSNR of each."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from vyvod.errors import RunError
from vyvod.report.contract import Shown
from vyvod.report.document import Block, Code, Section, Strong, Text
from vyvod.report.reconstruction import gallery, images
from vyvod.report.records import Arrays, ExampleRecord, InputRecord, Run, SplitRecord
from vyvod.report.stored import expect_names
from vyvod.report.text import Words

EXAMPLE: type[ExampleRecord] = gallery.RedrawnRecord
CURVES: Sequence[str] = ("psnr",)
SENTENCES: Mapping[str, str] = {
    "origin_carved": "segmentation_origin_carved",
    "cap_loss": "reconstruction_cap_loss",
    "cap_metrics": "reconstruction_cap_metrics",
}
TILES: Sequence[str] = ("psnr",)
LOWER_IS_BETTER: Sequence[str] = ("mse", "loss")
DEFINITIONS: Mapping[str, str] = {
    "psnr": "define_psnr",
    "mse": "define_mse",
    "loss": "define_reconstruction_loss",
}


def check_rows(path: Path, rows: Arrays, classes: int) -> None:
    """Raise `RunError` for rows that no autoencoder wrote."""
    expect_names(path, rows, ("id", "mse"))
    if rows["mse"].shape != rows["id"].shape:
        raise RunError(
            f"{path} holds {len(rows['id'])} ids and {rows['mse'].size} errors; expected as many. "
            "`vyvod evaluate RUN` writes it again."
        )


def check_totals(path: Path, totals: Arrays, classes: int) -> None:
    """Every value follows from the rows: nothing here is read."""


def brief(run: Run, words: Words) -> list[Text]:
    """The task in a sentence, what is to be undone, and the images."""
    seen = run.record.input
    if seen is None:
        return [words.text("task_reconstruction")]
    encoder = words.text("task_encoder", backbone=Code(seen.backbone)) if seen.backbone else ()
    return [(*words.text("task_reconstruction"), *encoder, *_spoilt(seen, words)), _input(run, seen, words)]


def _spoilt(seen: InputRecord, words: Words) -> Text:
    text: Text = ()
    if seen.noise:
        text += words.text("spoilt_noise", noise=Strong(words.number(seen.noise, 2)))
    if seen.masked and seen.patch:
        share, patch = words.percent(seen.masked, 0), str(seen.patch)
        text += words.text("spoilt_masked", share=Strong(share), patch=patch)
    return text or words.text("spoilt_none")


def _input(run: Run, seen: InputRecord, words: Words) -> Text:
    native = run.record.data.native_size
    stored = words.say("native_fixed", height=native[0], width=native[1]) if native else words.say("native_various")
    channels = words.say("grey" if seen.channels == 1 else "colour")
    if native == (seen.height, seen.width):
        return words.text("task_input_same", native=stored, channels=channels)
    size = words.say("native_fixed", height=seen.height, width=seen.width)
    resized = words.say("resized") if seen.resized else ""
    return words.text("task_input", native=stored, input=size, channels=channels, resized=resized)


def facts(run: Run, words: Words) -> dict[str, str]:
    """Where the errors are counted."""
    hidden = run.record.input is not None and bool(run.record.input.masked)
    return {"pixels": words.say("pixels_hidden" if hidden else "pixels_all")}


def headline(run: Run, words: Words, split: str) -> Text:
    """The headline metric."""
    return words.text(
        "reconstruction_headline",
        model=Code(run.record.model.name),
        data=run.data_title,
        metric=words.metric(run.record.headline),
        value=Strong(words.number(run.scores[split].overall.get(run.record.headline), 2)),
        images=words.count(run.images(split), "image_on"),
        split=words.say(f"of_split_{split}"),
    )


def split_sizes(record: SplitRecord, words: Words) -> dict[str, str]:
    """Images of the split."""
    return {words.say("col_images"): words.integer(record.images)}


def balance(run: Run, words: Words) -> list[Block]:
    """There are no classes."""
    return []


def examples(run: Run, words: Words, count: int) -> list[Block]:
    """Images redrawn."""
    return gallery.blocks(run, words, count)


def shown(run: Run, example: ExampleRecord, words: Words) -> Shown:
    """The image and what the network drew of it."""
    return gallery.shown(run, example, words)


def remark(run: Run, words: Words, split: str) -> Text:
    """What the numbers are good for."""
    return words.text("reconstruction_remark", command=Code(f"model.weights=runs/{run.folder.resolve().name}"))


def sections(run: Run, words: Words, split: str) -> list[Section]:
    """The PSNR of each image, as far as the run folder holds it."""
    return [images.section(run, words, split)] if len(run.per_image.get(split, {}).get("mse", ())) else []
