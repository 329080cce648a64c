"""Batches: order, shares of processes, workers, unreadable images."""

import gc
import pickle
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from torchvision import tv_tensors

from vyvod.data.contract import Images
from vyvod.data.loading import Loader, Plan, Preparation, Shard, cached, listed
from vyvod.data.transforms import AugmentationSettings, Draws, OnImage, for_training
from vyvod.errors import DataError
from vyvod.types import Batch, InputSpec, Sample, Silence


def _as_is(batch: Batch, draws: Draws) -> Batch:
    return batch


def _noisy(batch: Batch, draws: Draws) -> Batch:
    return replace(batch, images=batch.images.float() + draws.uniform()[:, None, None, None])


PLAN = Plan(batch_size=8, seed=1, device=torch.device("cpu"), preparation=Preparation(_as_is))


def _images(number: int) -> Images:
    values = torch.arange(number, dtype=torch.uint8)
    return Images(
        values[:, None, None, None].expand(-1, 3, 16, 16).contiguous(),
        values.long() % 5,
        [f"{i:03d}" for i in range(number)],
    )


@dataclass
class Files:
    """As files are: read one by one, some of them broken."""

    number: int
    broken: Sequence[int] = ()
    ids: Sequence[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ids = [f"{place:03d}" for place in range(self.number)]

    def __len__(self) -> int:
        return self.number

    def __getitem__(self, index: int) -> Sample:
        if index in self.broken:
            raise DataError(f"image {index} is broken")
        return Sample(tv_tensors.Image(torch.full((3, 16, 16), index, dtype=torch.uint8)), index % 5, self.ids[index])

    def fingerprint(self) -> str:
        return "files"


def test_training_shuffles_and_leaves_out_the_rest() -> None:
    loader = Loader(_images(30), replace(PLAN, training=True))
    epochs = [[batch.ids for batch in loader.epoch(number)] for number in (0, 1, 0)]
    assert [len(ids) for ids in epochs[0]] == [8, 8, 8] == [8] * len(loader)
    assert epochs[0] == epochs[2] != epochs[1]
    assert len({name for ids in epochs[0] for name in ids}) == 24


def test_evaluation_sees_every_image_once_in_order() -> None:
    loader = Loader(_images(30), PLAN)
    assert [name for batch in loader.epoch(0) for name in batch.ids] == loader.split.ids


@pytest.mark.parametrize("world", [2, 3])
@pytest.mark.parametrize("training", [True, False])
def test_processes_share_a_batch_and_its_draws(world: int, training: bool) -> None:
    plan = replace(PLAN, training=training, preparation=Preparation(_noisy), batch_size=6)
    whole = list(Loader(_images(32), plan).epoch(3))
    shares = [list(Loader(_images(32), replace(plan, shard=Shard(rank, world))).epoch(3)) for rank in range(world)]
    for step, batch in enumerate(whole):
        parts = [share[step] for share in shares if step < len(share)]
        assert [name for part in parts for name in part.ids] == list(batch.ids)
        assert torch.equal(torch.cat([part.images for part in parts]), batch.images)


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_change_nothing(workers: int) -> None:
    transform = OnImage(
        for_training(InputSpec(3, 16, 16), AugmentationSettings(crop="resized", policy="randaugment"), "crop")
    )
    plan = replace(PLAN, training=True, preparation=Preparation(_noisy, transform))
    reference = [batch.images for batch in Loader(Files(24), plan).epoch(1)]
    loader = Loader(Files(24), replace(plan, workers=workers))
    list(loader.epoch(0))
    torch.manual_seed(workers)
    images = [batch.images for batch in loader.epoch(1)]
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(images, reference, strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_epochs_in_any_order_are_the_same_ones(workers: int) -> None:
    transform = OnImage(for_training(InputSpec(3, 16, 16), AugmentationSettings(crop="resized"), "crop"))
    plan = replace(PLAN, training=True, preparation=Preparation(_noisy, transform), epochs=3)
    reference = [[batch.images for batch in Loader(Files(24), plan).epoch(number)] for number in range(5)]
    loader = Loader(Files(24), replace(plan, workers=workers))
    for number in (0, 1, 1, 2, 3, 4, 0):  # one after the other, again, beyond the last, from the beginning
        images = [batch.images for batch in loader.epoch(number)]
        assert all(torch.equal(mine, theirs) for mine, theirs in zip(images, reference[number], strict=True))
        next(iter(loader.epoch(number + 1)))  # left after its first batch


@dataclass
class Noted:
    """A transform that takes down, in a file, that it was called."""

    file: Path

    def __call__(self, sample: Sample) -> Sample:
        with self.file.open("a") as file:
            file.write("x")
        return sample


@pytest.mark.parametrize(("epochs", "read"), [(1, 24), (2, 48)])
def test_workers_begin_the_next_epoch_while_the_last_is_evaluated(tmp_path: Path, epochs: int, read: int) -> None:
    plan = replace(PLAN, training=True, preparation=Preparation(_as_is, Noted(tmp_path / "log")), epochs=epochs)
    loader = Loader(Files(24), replace(plan, workers=2))
    assert len(list(loader.epoch(0))) == 3
    for _ in range(200):
        if (tmp_path / "log").stat().st_size >= read:
            break
        time.sleep(0.05)
    assert (tmp_path / "log").stat().st_size == read, (
        "two batches ahead for each worker, and never beyond the last epoch"
    )


def test_what_is_kept_in_memory_is_read_once(tmp_path: Path) -> None:
    preparation = Preparation(_as_is, Noted(tmp_path / "log"))
    plan = replace(PLAN, training=True, preparation=preparation, epochs=3, workers=2)
    cached(Files(24), plan, Silence())
    time.sleep(0.5)
    assert (tmp_path / "log").stat().st_size == 24, "nobody reads ahead for a next epoch"


def test_a_loader_that_nobody_needs_ends_at_once_with_its_workers() -> None:
    # Ended by the collector of cycles, torch's workers are not told to stop, and are waited for: 5 seconds each.
    loader = Loader(Files(24), replace(PLAN, training=True, workers=2, epochs=2))
    list(loader.epoch(0))
    gone = weakref.ref(loader)
    gc.disable()
    try:
        del loader
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("workers", [0, 2])
def test_targets_come_as_tensors_whatever_their_size(workers: int) -> None:
    split = Files(24)
    plan = replace(PLAN, preparation=Preparation(_as_is, _boxed, listed), workers=workers)
    targets = [target for batch in Loader(split, plan).epoch(0) for target in batch.targets]
    assert [int(target["boxes"][0, 0]) for target in targets] == list(range(24))
    assert all(target["masks"].shape == (2, 200, 200) and target["masks"].dtype == torch.uint8 for target in targets)
    assert [target["name"] for target in targets] == split.ids


def _boxed(sample: Sample) -> Sample:
    number = int(sample.id)
    masks = torch.full((2, 200, 200), number, dtype=torch.uint8)  # larger than what travels in a message
    return replace(sample, target={"boxes": torch.full((1, 4), number), "masks": masks, "name": sample.id})


@pytest.mark.parametrize("settings", [
    AugmentationSettings(crop="resized"),
    AugmentationSettings(crop="none", policy="trivialaugment"),
])  # fmt: skip
def test_what_workers_need_can_be_sent_to_them(settings: AugmentationSettings) -> None:
    # On Windows and macOS workers are spawned, and the transform of batches, which stays here, may be a closure.
    transform = OnImage(for_training(InputSpec(3, 16, 16), settings, "crop"))
    plan = replace(PLAN, preparation=Preparation(lambda batch, draws: batch, transform))
    workers = Loader(Files(24), plan)._workers
    samples, collate = pickle.loads(pickle.dumps((workers.dataset, workers.collate_fn)))
    batch = collate([samples[place, 0] for place in range(4)])
    assert torch.equal(batch.images, collate([workers.dataset[place, 0] for place in range(4)]).images)


def test_transforms_of_samples_leave_the_global_generator_alone() -> None:
    transform = OnImage(for_training(InputSpec(3, 16, 16), AugmentationSettings(crop="resized"), "crop"))
    torch.manual_seed(7)
    list(Loader(Files(24), replace(PLAN, preparation=Preparation(_as_is, transform), training=True)).epoch(0))
    after = torch.rand(1)
    torch.manual_seed(7)
    assert torch.equal(after, torch.rand(1))


@pytest.mark.parametrize("workers", [0, 2])
def test_an_unreadable_image_stops_with_its_name(workers: int) -> None:
    with pytest.raises(DataError, match=r"^image 9 is broken$"):
        list(Loader(Files(24, broken=[9]), replace(PLAN, workers=workers)).epoch(0))


@pytest.mark.parametrize("workers", [0, 2])
def test_an_unreadable_image_is_left_out_and_counted(workers: int) -> None:
    plan = replace(PLAN, on_error="skip", workers=workers)
    loader = Loader(Files(24, broken=[9, 10]), plan)
    assert sum(len(batch.ids) for batch in loader.epoch(0)) == 22
    assert loader.skipped == {"image 9 is broken", "image 10 is broken"}


def test_in_training_the_next_image_takes_its_place() -> None:
    loader = Loader(Files(24, broken=[9, 10]), replace(PLAN, on_error="skip", training=True))
    ids = [name for batch in loader.epoch(0) for name in batch.ids]
    assert len(ids) == 24
    assert ids.count("011") == 3


def test_a_batch_without_a_readable_image_is_an_error() -> None:
    with pytest.raises(DataError, match="No image of a batch of 8 could be read"):
        list(Loader(Files(24, broken=range(8)), replace(PLAN, on_error="skip")).epoch(0))


def test_too_few_images_for_a_step() -> None:
    with pytest.raises(DataError, match=r"One step takes 16 images .* has 10\. Lower training.batch_size to at most 5"):
        Loader(_images(10), replace(PLAN, training=True, group=2))


def test_accumulated_batches_come_in_whole_groups() -> None:
    assert len(Loader(_images(60), replace(PLAN, training=True, group=3))) == 6


def test_decoded_images_are_kept_in_order() -> None:
    images, skipped = cached(Files(20, broken=[3]), replace(PLAN, on_error="skip", training=True), Silence())
    assert images.ids == [f"{place:03d}" for place in range(20) if place != 3]
    assert images.images[3, 0, 0, 0] == 4
    assert skipped == ["image 3 is broken"]
