"""Batches: small data sets from memory as uint8, large ones decoded by workers; the same order and draws either way."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, default_collate
from torch.utils.data import Dataset as TorchDataset

from vyvod.data.contract import DataSettings, Images, Split
from vyvod.data.transforms import Draws, SampleTransform
from vyvod.errors import DataError
from vyvod.seeds import derive, generator
from vyvod.types import Batch, InputSpec, Progress, Sample

CACHE_BYTES = 1 << 30
CACHE_SIDE = 96

BatchTransform = Callable[[Batch, Draws], Batch]
"""Uint8 batch on the device -> what the network sees."""
Collate = Callable[[list[Sample]], Batch]


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
    transform: BatchTransform
    """Applied to whole batches on the device."""
    sample_transform: SampleTransform | None = None
    """Applied image by image; None: nothing to do."""
    collate: Collate | None = None
    workers: int = 0
    on_error: str = "stop"
    shard: Shard = Shard()
    training: bool = False
    """Training shuffles, and leaves out the last incomplete batch; evaluation visits every image once, in order."""
    memory_format: torch.memory_format = torch.contiguous_format
    group: int = 1
    """Batches per step of the optimiser; training yields a multiple of it."""


class Loader:
    """The batches of one split, epoch after epoch."""

    def __init__(self, split: Split, plan: Plan) -> None:
        """Prepare the batches.

        Raises:
            DataError: training is asked for, and there are fewer images than one step needs.
        """
        self.split, self.plan = split, plan
        self.skipped: set[str] = set()
        self.in_memory = False
        if plan.training and not len(self):
            raise DataError(
                f"One step takes {plan.batch_size * plan.group} images (training.batch_size x training.accumulate), "
                f"but the train split has {len(split)}. Lower training.batch_size to at most {len(split) // plan.group}."
            )
        if isinstance(split, Images) and plan.sample_transform is None:
            self.in_memory = True
            self._images = split.images.to(plan.device)
            self._labels = split.labels.to(plan.device)
        else:
            self._workers = self._start_workers()

    def __len__(self) -> int:
        """Number of batches."""
        whole, group = self.plan.batch_size, self.plan.group
        return len(self.split) // (whole * group) * group if self.plan.training else -(-len(self.split) // whole)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of that epoch: ready for the network, on the device."""
        places = list(self._places(number))
        stored = self._from_memory(places) if self.in_memory else self._from_workers(places, number)
        for step, (place, batch) in enumerate(zip(places, stored, strict=True)):
            self.skipped.update(batch.skipped)
            source = generator(self.plan.seed, "augment", number, step)
            ready = self.plan.transform(batch, Draws(source, place.total, place.part))
            yield replace(ready, images=ready.images.contiguous(memory_format=self.plan.memory_format))

    def _places(self, number: int) -> Iterator[_Place]:
        size, shard = self.plan.batch_size, self.plan.shard
        order = np.arange(len(self.split))
        if self.plan.training:
            order = generator(self.plan.seed, "order", number).permutation(len(self.split))
        for step in range(len(self)):
            batch = order[step * size : (step + 1) * size]
            share = -(-len(batch) // shard.world)
            part = slice(shard.rank * share, min((shard.rank + 1) * share, len(batch)))
            if part.start < len(batch):
                yield _Place(batch[part], len(batch), part)

    def _from_memory(self, places: Sequence[_Place]) -> Iterator[Batch]:
        ids = self.split.ids
        for place in places:
            chosen = torch.from_numpy(place.indices).to(self.plan.device)
            yield Batch(self._images[chosen], self._labels[chosen], [ids[index] for index in place.indices])

    def _from_workers(self, places: Sequence[_Place], number: int) -> Iterator[Batch]:
        self._queue[:] = [[(int(index), number) for index in place.indices] for place in places]
        for batch in self._workers:
            if isinstance(batch, DataError):
                raise batch
            yield replace(
                batch,
                images=batch.images.to(self.plan.device, non_blocking=True),
                targets=_to(batch.targets, self.plan.device),
            )

    def _start_workers(self) -> DataLoader[Any]:
        self._queue: list[list[tuple[int, int]]] = []
        return DataLoader(
            # What a worker needs and no more: where workers are spawned, they are sent it.
            _Samples(self.split, self.plan.seed, self.plan.sample_transform, self.plan.on_error, self.plan.training),
            batch_sampler=_Queue(self._queue),
            collate_fn=_Collate(self.plan.collate or stack),
            num_workers=self.plan.workers,
            persistent_workers=self.plan.workers > 0,
            pin_memory=self.plan.device.type == "cuda",
            generator=torch.Generator(),  # or it would draw from the global one, which dropout uses
        )


@dataclass(frozen=True, slots=True)
class _Place:
    indices: np.ndarray  # of this process's images in the split
    total: int  # images in the batch over all processes
    part: slice  # which of them these are


_Item = tuple[Sample | None, list[str]] | DataError


class _Queue:
    """The batches of the coming epoch; a list that is refilled, so that workers live on from epoch to epoch."""

    def __init__(self, batches: list[list[tuple[int, int]]]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return iter(list(self.batches))

    def __len__(self) -> int:
        return len(self.batches)


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
        sample = self.split[index]
        if self.transform is None:
            return sample
        # The seed of the place, not of the worker: the number of workers never changes an image.
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(derive(self.seed, "sample", epoch, index))
            return replace(sample, image=self.transform(sample.image))


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
        return replace(self.collate(samples), skipped=skipped)


def stack(samples: list[Sample]) -> Batch:
    """Samples of one size to ``(N, C, H, W)`` uint8, their targets by torch's default."""
    # The plain tensors: stacking the subclass costs ten times as much.
    images = torch.stack([sample.image.as_subclass(torch.Tensor) for sample in samples])
    return Batch(images, default_collate([sample.target for sample in samples]), [sample.id for sample in samples])


def _to(targets: Any, device: torch.device) -> Any:
    return targets.to(device, non_blocking=True) if isinstance(targets, torch.Tensor) else targets


def default_workers(settings: DataSettings, processes: int) -> int:
    """Worker processes for decoding: as set, or as many as there are cores for each training process, at most 8."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return settings.workers if settings.workers is not None else min(8, max(1, cores // processes))


def fits_cache(split: Split, spec: InputSpec, settings: DataSettings) -> bool:
    """Whether the decoded images are to be kept in memory."""
    if isinstance(split, Images) or settings.cache is not None:
        return bool(settings.cache) and not isinstance(split, Images)
    size = len(split) * 3 * spec.height * spec.width
    return max(spec.height, spec.width) <= CACHE_SIDE and size <= CACHE_BYTES


def cached(split: Split, plan: Plan, progress: Progress) -> tuple[Images, list[str]]:
    """Decode every image once, with the plan's sample transform, and keep the result.

    Returns:
        the images in memory, and a sentence for each image that could not be read (``data.on_error=skip``).
    """
    # Shared by the workers, decoded in order; every process reads all, since every epoch deals them out anew.
    loader = Loader(split, replace(plan, training=False, shard=Shard(), transform=_as_is, device=torch.device("cpu")))
    batches = []
    progress.begin("reading images", len(split))
    for batch in loader.epoch(0):
        batches.append(batch)
        progress.advance(len(batch.ids))
    progress.end()
    ids = [identity for batch in batches for identity in batch.ids]
    images = torch.cat([batch.images for batch in batches])
    return Images(images, torch.cat([batch.targets for batch in batches]), ids), sorted(loader.skipped)


def _as_is(batch: Batch, draws: Draws) -> Batch:
    return batch
