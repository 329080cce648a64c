"""Batches: small data sets from memory as uint8, large ones decoded by workers; the same order and draws either way."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, default_collate
from torch.utils.data import Dataset as TorchDataset

from vyvod.data.contract import DataSettings, Images, MaskSplit, Split
from vyvod.data.transforms import AugmentationSettings, Draws, Normalisation, SampleTransform
from vyvod.errors import DataError
from vyvod.seeds import derive, generator
from vyvod.types import Batch, InputSpec, Progress, Sample

CACHE_BYTES = 1 << 30
CACHE_SIDE = 96
NICE = 10
SMALL = 1 << 16
"""Bytes up to which the tensors of targets travel in a message."""

BatchTransform = Callable[[Batch, Draws], Batch]
"""Uint8 batch on the device -> what the network sees."""
Collate = Callable[[list[Sample]], Batch]


@dataclass(frozen=True, slots=True)
class Request:
    """What a loader is wanted for; a task answers with a `Preparation`."""

    spec: InputSpec
    normalisation: Normalisation
    augmentation: AugmentationSettings
    """No augmentation for evaluation."""
    data: DataSettings
    training: bool = False
    kept: bool = False
    """The samples have been through the sample transform for evaluation already, and lie in memory."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """How stored samples become what a network sees."""

    batch: BatchTransform
    """Applied to whole batches on the device."""
    sample: SampleTransform | None = None
    """Applied sample by sample, in the workers; None: nothing to do."""
    collate: Collate | None = None
    """By default samples of one size are stacked."""
    arrange: Callable[[Split], Split] | None = None
    """Puts a split in front of the split, such as one that makes mosaics."""
    pixels: Callable[[Split], float] | None = None
    """Of all images of a split together after the sample transform, where they may be of any sizes."""


@dataclass(frozen=True, slots=True)
class Shard:
    """The part of every batch that this process works on."""

    rank: int = 0
    world: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """How the images of one split become batches."""

    batch_size: int
    """Images per batch over all processes."""
    seed: int
    device: torch.device
    preparation: Preparation
    workers: int = 0
    on_error: str = "stop"
    shard: Shard = Shard()
    training: bool = False
    """Training shuffles, and leaves out the last incomplete batch; evaluation visits every image once, in order."""
    memory_format: torch.memory_format = torch.contiguous_format
    group: int = 1
    """Batches per step of the optimiser; training yields a multiple of it."""
    epochs: int = 1
    """Of the whole training: while one is evaluated, workers are at the next."""


class Loader:
    """The batches of one split, epoch after epoch."""

    def __init__(self, split: Split, plan: Plan) -> None:
        """Prepare the batches.

        Raises:
            DataError: training is asked for, and there are fewer images than one step needs.
        """
        arrange = plan.preparation.arrange
        self.split, self.plan = arrange(split) if arrange else split, plan
        self._order = _Order(len(self.split), plan)
        self.skipped: set[str] = set()
        self.in_memory = False
        if plan.training and not len(self):
            raise DataError(
                f"One step takes {plan.batch_size * plan.group} images (training.batch_size x training.accumulate), "
                f"but the train split has {len(split)}. Lower training.batch_size to at most {len(split) // plan.group}."
            )
        if isinstance(split, Images) and plan.preparation.sample is None:
            self.in_memory = True
            self._images = split.images.to(plan.device)
            self._labels = split.labels.to(plan.device)
        else:
            self._queue = _Queue(self._order)
            self._next: int | None = None  # the epoch that workers are at
            self._workers = self._start_workers()

    def __len__(self) -> int:
        """Number of batches."""
        return len(self._order)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of that epoch: ready for the network, on the device."""
        places = list(self._order.places(number))
        stored = self._from_memory(places) if self.in_memory else self._from_workers(places, number)
        for step, (place, batch) in enumerate(zip(places, stored, strict=True)):
            self.skipped.update(batch.skipped)
            source = generator(self.plan.seed, "augment", number, step)
            ready = self.plan.preparation.batch(batch, Draws(source, place.total, place.part))
            yield replace(ready, images=_laid_out(ready.images, self.plan.memory_format))

    def _from_memory(self, places: Sequence[_Place]) -> Iterator[Batch]:
        ids = self.split.ids
        for place in places:
            chosen = torch.from_numpy(place.indices).to(self.plan.device)
            yield Batch(self._images[chosen], self._labels[chosen], [ids[index] for index in place.indices])

    def _from_workers(self, places: Sequence[_Place], number: int) -> Iterator[Batch]:
        if number != self._next or number >= self.plan.epochs:
            self._queue.first = number
            self._batches = iter(self._workers)
        self._next = None  # an epoch that is not taken to its end is not gone on from
        for _ in places:
            batch = next(self._batches)
            if isinstance(batch, DataError):
                raise batch
            # Laid out while a value is still a byte.
            images = _laid_out(_to(batch.images, self.plan.device), self.plan.memory_format)
            yield replace(batch, images=images, targets=_to(batch.targets, self.plan.device))
        self._next = number + 1

    def _start_workers(self) -> DataLoader[Any]:
        transform = self.plan.preparation.sample
        # What lies in memory as it is wanted needs nobody to bring it.
        workers = 0 if transform is None and isinstance(self.split, Kept) else self.plan.workers
        return DataLoader(
            # What a worker needs and no more: where workers are spawned, they are sent it.
            _Samples(self.split, self.plan.seed, transform, self.plan.on_error, self.plan.training),
            batch_sampler=self._queue,
            collate_fn=_Collate(self.plan.preparation.collate or stack),
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=self.plan.device.type == "cuda",
            generator=torch.Generator(),  # or it would draw from the global one, which dropout uses
            worker_init_fn=_give_way,
        )


@dataclass(frozen=True, slots=True)
class _Place:
    indices: np.ndarray  # of this process's images in the split
    total: int  # images in the batch over all processes
    part: slice  # which of them these are


@dataclass(frozen=True, slots=True)
class _Order:
    """Which images make up which batch."""

    images: int
    plan: Plan

    def __len__(self) -> int:
        whole, group = self.plan.batch_size, self.plan.group
        return self.images // (whole * group) * group if self.plan.training else -(-self.images // whole)

    def places(self, number: int) -> Iterator[_Place]:
        """The batches of that epoch, as far as they are this process's."""
        size, shard = self.plan.batch_size, self.plan.shard
        order = np.arange(self.images)
        if self.plan.training:
            order = generator(self.plan.seed, "order", number).permutation(self.images)
        for step in range(len(self)):
            batch = order[step * size : (step + 1) * size]
            share = -(-len(batch) // shard.world)
            part = slice(shard.rank * share, min((shard.rank + 1) * share, len(batch)))
            if part.start < len(batch):
                yield _Place(batch[part], len(batch), part)


_Item = tuple[Sample | None, list[str]] | DataError


@dataclass
class _Queue:
    """What workers are to read: the batches of an epoch and of those after it, which they begin while it is evaluated."""

    # It must not know the loader: workers that die in a cycle of references are never told to, and are waited for (5 s each).
    order: _Order
    first: int = 0

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for number in range(self.first, max(self.order.plan.epochs, self.first + 1)):
            for place in self.order.places(number):
                yield [(int(index), number) for index in place.indices]


def _give_way(worker: int) -> None:
    """A worker takes the processor where the training leaves it: one thread of a step that has to wait holds up all others."""
    if hasattr(os, "nice"):
        os.nice(NICE)


@dataclass
class _Samples(TorchDataset[Any]):
    """Samples by (index, epoch), decoded and transformed with a seed of their own."""

    split: Split
    seed: int
    transform: SampleTransform | None
    on_error: str
    training: bool

    def __getitem__(self, place: tuple[int, int]) -> _Item:
        index, epoch = place
        skipped: list[str] = []
        # In training the next image takes the place of an unreadable one; in evaluation its place stays empty.
        tries = len(self.split) if self.training else 1
        for offset in range(tries):
            try:
                return self._read((index + offset) % len(self.split), epoch), skipped
            except DataError as error:
                if self.on_error != "skip":
                    # Raised by the reader of the queue: raised here, torch would wrap it in a worker's traceback.
                    return error
                skipped.append(str(error))
        return None, skipped

    def _read(self, index: int, epoch: int) -> Sample:
        if self.transform is None:
            return self.split[index]
        # The seed of the place, not of the worker: the number of workers never changes an image. A split may draw too.
        with torch.random.fork_rng(devices=()):
            # Not torch.manual_seed: for each kind of device that is not there it writes out the stack.
            torch.default_generator.manual_seed(derive(self.seed, "sample", epoch, index))
            return self.transform(self.split[index])


class _Collate:
    def __init__(self, collate: Collate) -> None:
        self.collate = collate

    def __call__(self, items: list[_Item]) -> Batch | DataError:
        for item in items:
            if isinstance(item, DataError):
                return item
        read = [item for item in items if isinstance(item, tuple)]
        samples = [sample for sample, _ in read if sample is not None]
        skipped = [text for _, texts in read for text in texts]
        if not samples:
            return DataError(f"No image of a batch of {len(items)} could be read. First: {skipped[0]}")
        batch = self.collate(samples)
        return replace(batch, targets=_by_value(batch.targets), skipped=skipped)


def stack(samples: list[Sample]) -> Batch:
    """Samples of one size to ``(N, C, H, W)`` uint8, their targets by torch's default."""
    # The plain tensors: stacking the subclass costs ten times as much.
    images = torch.stack([sample.image.as_subclass(torch.Tensor) for sample in samples])
    targets = [_plain(sample.target) for sample in samples]
    return Batch(images, default_collate(targets), [sample.id for sample in samples])


def listed(samples: list[Sample]) -> Batch:
    """Samples of any sizes: lists of images and of targets."""
    images = [sample.image.as_subclass(torch.Tensor) for sample in samples]
    return Batch(images, [_plain(sample.target) for sample in samples], [sample.id for sample in samples])


def _plain(target: Any) -> Any:
    return target.as_subclass(torch.Tensor) if isinstance(target, torch.Tensor) else target


def _laid_out(images: Tensor | list[Tensor], memory_format: torch.memory_format) -> Tensor | list[Tensor]:
    return images if isinstance(images, list) else images.contiguous(memory_format=memory_format)


def _by_value(values: Any) -> Any:
    """Small tensors, also those in lists and dictionaries, as arrays: each tensor is a file that a worker has to hand over."""
    return _each(values, lambda value: value if value.nbytes > SMALL else value.numpy())


def _to(values: Any, device: torch.device) -> Any:
    """Tensors, also those in lists and dictionaries, on the device."""
    return _each(values, lambda value: torch.as_tensor(value).to(device, non_blocking=True))


def _each(values: Any, change: Callable[[Any], Any]) -> Any:
    match values:
        case Tensor() | np.ndarray():
            return change(values)
        case list():
            return [_each(value, change) for value in values]
        case dict():
            return {key: _each(value, change) for key, value in values.items()}
        case _:
            return values


def default_workers(settings: DataSettings, processes: int) -> int:
    """Worker processes for decoding: as set, or as many as there are cores for each training process, at most 8."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return settings.workers if settings.workers is not None else min(8, max(1, cores // processes))


def fits_cache(split: Split, spec: InputSpec, settings: DataSettings, preparation: Preparation | None = None) -> bool:
    """Whether the decoded images are to be kept in memory, as the sample transform of that preparation leaves them."""
    if isinstance(split, Images) or settings.cache is not None:
        return bool(settings.cache) and not isinstance(split, Images)
    if preparation is not None and preparation.pixels is not None:
        return 3 * preparation.pixels(split) <= CACHE_BYTES
    size = len(split) * 3 * spec.height * spec.width
    if isinstance(split, MaskSplit):
        # Image and mask as they are, which may be larger than what is cut out of them: five times, by experience.
        return 5 * size <= CACHE_BYTES
    return max(spec.height, spec.width) <= CACHE_SIDE and size <= CACHE_BYTES


@dataclass(slots=True)
class Kept:
    """Samples that lie in memory, of any sizes."""

    samples: Sequence[Sample]
    source: str
    """Fingerprint of the split that they were read from."""

    @property
    def ids(self) -> Sequence[str]:
        """Their ids."""
        return [sample.id for sample in self.samples]

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        """The sample at that place."""
        return self.samples[index]

    def mask(self, index: int) -> np.ndarray:
        """The mask at that place, ``(H, W)`` uint8."""
        mask: np.ndarray = self.samples[index].target.numpy()
        return mask

    def objects(self, index: int) -> dict[str, Any]:
        """The objects at that place, in detection."""
        objects: dict[str, Any] = self.samples[index].target
        return objects

    def fingerprint(self) -> str:
        """That of the split that they were read from."""
        return self.source


def cached(split: Split, plan: Plan, progress: Progress) -> tuple[Images | Kept, list[str]]:
    """Decode every image once, with the plan's sample transform, and keep the result.

    Returns:
        the images in memory, and a sentence for each image that could not be read (``data.on_error=skip``).
    """
    # Shared by the workers, decoded in order; every process reads all, since every epoch deals them out anew.
    alone = replace(plan.preparation, batch=_as_is)
    loader = Loader(
        split, replace(plan, training=False, epochs=1, shard=Shard(), preparation=alone, device=torch.device("cpu"))
    )
    batches = []
    progress.begin("reading images", len(split))
    for batch in loader.epoch(0):
        batches.append(batch)
        progress.advance(len(batch.ids))
    progress.end()
    return _together(batches, split), sorted(loader.skipped)


def _together(batches: list[Batch], split: Split) -> Images | Kept:
    if all(isinstance(batch.images, Tensor) for batch in batches):
        ids = [identity for batch in batches for identity in batch.ids]
        images = torch.cat([cast(Tensor, batch.images) for batch in batches])
        return Images(images, torch.cat([batch.targets for batch in batches]), ids)
    samples = [
        Sample(image, target, identity)
        for batch in batches
        for image, target, identity in zip(batch.images, batch.targets, batch.ids, strict=True)
    ]
    return Kept(samples, split.fingerprint())


def _as_is(batch: Batch, draws: Draws) -> Batch:
    return batch
