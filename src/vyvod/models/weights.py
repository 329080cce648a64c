"""Weights: reading files that may be hostile, and putting tensors into networks that may differ."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from vyvod import catalog
from vyvod.errors import UserError, WeightsError
from vyvod.files import read_yaml, write_atomically
from vyvod.models.build import Architecture

IMAGENET = "imagenet"
COCO = "coco"
DOWNLOADS = {IMAGENET: ("ImageNet", "pretrained"), COCO: ("COCO", "pretrained_on_coco")}
"""Word in the settings -> what it is called, and the function of an architecture's file that knows the place."""
BEST = Path("checkpoints") / "best.safetensors"
TORCH_SUFFIXES = (".pth", ".pt", ".th", ".bin")
WRAPPERS = ("state_dict", "model", "model_state_dict", "network")
"""Keys under which checkpoints keep the weights."""
PREFIXES = ("module.", "_orig_mod.")
"""What DistributedDataParallel, moving averages and torch.compile put before every name."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Named tensors, and where they are from."""

    tensors: dict[str, Tensor]
    source: str
    """For sentences and records: a path, or what was downloaded."""
    metadata: dict[str, str] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    """Submodules that they are for, such as an encoder; none: the whole network."""
    partial: bool = False
    """The file may end before the network does; what it lacks stays new."""
    backbone: str = ""
    """Of the autoencoder whose encoder they are, in words; nothing where they are of a whole network."""
    classes_of: Callable[[int], int] = int
    """Number of outputs of a head -> number of classes."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was put into a network."""

    source: str
    loaded: int
    """Tensors that were put in."""
    not_loaded: tuple[str, ...]
    """Tensors that keep their fresh values: of the network's head, or of parts that the weights are not for."""
    reason: str = ""
    """Why they do."""

    def sentence(self) -> str:
        """For people."""
        text = f"Weights from {self.source}: {self.loaded} of {self.loaded + len(self.not_loaded)} tensors loaded"
        return (
            f"{text}; newly initialised: {_first(self.not_loaded)} ({self.reason})." if self.not_loaded else f"{text}."
        )

    def record(self) -> dict[str, Any]:
        """For ``run.json``."""
        return {"source": self.source, "loaded": self.loaded, "not_loaded": list(self.not_loaded)}


def read_source(source: str, architecture: Architecture) -> Weights:
    """The weights that ``model.weights`` means: ``imagenet``, ``coco``, a file, or a run folder; of an autoencoder, its encoder.

    Raises:
        WeightsError: they are not there or cannot be read.
    """
    weights = _fetch(architecture, source) if source in DOWNLOADS else _read_local(source, architecture)
    if architecture.task != "reconstruction":
        weights = _encoder(weights)
    return replace(weights, classes_of=getattr(architecture.module, "classes_of", weights.classes_of))


def _read_local(source: str, architecture: Architecture) -> Weights:
    path = Path(source).expanduser()
    if path.is_dir():
        if not (path / BEST).is_file():
            raise WeightsError(
                f"model.weights={source}: the folder has no {BEST}; expected a run that has finished an epoch."
            )
        return read_weights(path / BEST)
    if not path.exists():
        near = catalog.nearest(source, DOWNLOADS)
        raise WeightsError(
            f"model.weights={source}: there is no such file or folder (looked for {path.absolute()}).{near} Expected "
            f"'{IMAGENET}', '{COCO}', a file ({', '.join(('.safetensors', *TORCH_SUFFIXES))}) or a run folder."
        )
    return _read_own(path, architecture) or read_weights(path)


def _read_own(path: Path, architecture: Architecture) -> Weights | None:
    """Weights in a format of the architecture's own; None where the file is not of one."""
    read = getattr(architecture.module, "read", None)
    if read is None or path.stat().st_size == 0:
        return None
    try:
        tensors = read(path, architecture.options)
    except WeightsError:
        raise
    except Exception as error:  # of a user's own file, which may fail in any way
        raise WeightsError(
            f"read of model={architecture.name} fails on {path}: {type(error).__name__}: {' '.join(str(error).split())[:200]}."
        ) from error
    return None if tensors is None else Weights(dict(tensors), str(path), partial=True)


def read_weights(path: Path) -> Weights:
    """Read a file of weights; nothing in it is executed.

    Args:
        path: ``.safetensors``, or a torch file that holds tensors only, also inside a checkpoint.

    Raises:
        WeightsError: it is missing, empty, truncated, of another format, or holds more than data.
    """
    if not path.is_file():
        raise WeightsError(f"There is no file of weights {path}.")
    if path.stat().st_size == 0:
        raise WeightsError(f"{path} is empty. Copy or download it again.")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if path.suffix in TORCH_SUFFIXES:
        return Weights(_unwrapped(_read_torch(path), path), str(path))
    expected = ", ".join((".safetensors", *TORCH_SUFFIXES))
    darknet = " Files of darknet are for model=yolo3 and model=yolo4." if path.suffix == ".weights" else ""
    raise WeightsError(f"{path} is not a known format of weights; expected a file that ends in {expected}.{darknet}")


def save_weights(source: nn.Module | Mapping[str, Tensor], path: Path, metadata: Mapping[str, str]) -> None:
    """Write weights as safetensors, atomically. Tensors that share memory are written one by one.

    Args:
        source: a network or its state dict.
        path: of the file.
        metadata: facts to keep with them.

    Raises:
        RunError: the disk is full or the folder read-only; the old file is kept.
    """
    state = source.state_dict() if isinstance(source, nn.Module) else source
    data = safetensors.torch.save(_separate(state), dict(metadata))
    write_atomically(path, lambda file: file.write(data))


def load_weights(model: nn.Module, weights: Weights, *, head: tuple[str, ...], whole: bool = False) -> Loaded:
    """Put weights into a network.

    Args:
        model: changed in place.
        weights: for the same network, but perhaps for other classes, or for a part of it.
        head: submodules that depend on the number of classes; where a tensor below them does not fit, the whole head keeps its
            fresh values.
        whole: the head must fit too.

    Raises:
        WeightsError: they belong to another network, or with ``whole`` to another number of classes; the network is unchanged.
    """
    state = model.state_dict()
    weights = _placed(weights, state)
    given = weights.tensors
    optional = {name for name in (*state, *given) if _is_optional(name, weights, head)}
    body = _match({name: tensor for name, tensor in state.items() if name not in optional}, given)
    top = _match({name: tensor for name, tensor in state.items() if name in optional}, given)
    extra = [name for name in given if name not in state and name not in optional and not _counts_batches(name, state)]
    lacking = body.missing if weights.partial and body.fitting else []
    if len(body.missing) > len(lacking) or body.differing or extra:
        raise WeightsError(_of_another_network(weights, (body, top), extra))
    kept = not (top.missing or top.differing)
    if whole and lacking:
        raise WeightsError(_without_an_end(weights.source, lacking))
    if whole and not kept:
        raise WeightsError(_of_other_classes(weights, top, head))
    fitting = body.fitting | (top.fitting if kept else {})
    model.load_state_dict(state | fitting)
    fresh = (*lacking, *(() if kept else top.names))
    return Loaded(weights.source, len(fitting), fresh, _why(weights, top, head, lacking=bool(lacking)) if fresh else "")


def imagenet_normalisation(architecture: Architecture) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and standard deviation, of values in 0..1, with which an architecture's ImageNet weights were trained.

    Most have the same; EfficientNet V2 l and many of timm's have 0.5. None where the file does not say.

    Raises:
        WeightsError: the architecture has no such weights, or what is known about them could not be fetched.
    """
    download = _download(architecture, IMAGENET)
    if not hasattr(download, "transforms"):
        return None
    try:
        preset = download.transforms()
    except Exception as error:  # segmentation_models.pytorch keeps it beside the weights, on the network
        raise WeightsError(_not_fetched(architecture, IMAGENET, error)) from error
    return tuple(preset.mean), tuple(preset.std)


@dataclass(frozen=True, slots=True)
class _Match:
    """How the tensors of a part of a network find theirs in a file."""

    fitting: dict[str, Tensor]
    missing: list[str]
    differing: dict[str, tuple[str, str]]
    """Name -> shape in the file, shape in the network."""

    @property
    def names(self) -> tuple[str, ...]:
        """All names of the part."""
        return (*self.fitting, *self.missing, *self.differing)


def _is_optional(name: str, weights: Weights, head: tuple[str, ...]) -> bool:
    """Whether a tensor may keep its fresh value: of the head, or outside the parts that the weights are for."""
    return not _below(name, weights.parts) if weights.parts else _below(name, head)


def _counts_batches(name: str, state: Mapping[str, Tensor]) -> bool:
    """Whether it is the counter of a batch norm that the network has in its frozen form, which does not count."""
    layer, _, last = name.rpartition(".")
    return last == "num_batches_tracked" and f"{layer}.running_mean" in state


def _match(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> _Match:
    match = _Match({}, [], {})
    for name, tensor in wanted.items():
        if name not in given and name.endswith(".num_batches_tracked"):
            match.fitting[name] = tensor  # files from before torch 0.4.1 lack it; it only matters without momentum
        elif name not in given:
            match.missing.append(name)
        elif given[name].shape != tensor.shape:
            match.differing[name] = (_shape(given[name]), _shape(tensor))
        else:
            match.fitting[name] = given[name]
    return match


def _encoder(weights: Weights) -> Weights:
    """The encoder, where they are the weights of an autoencoder: with an encoder and a decoder and nothing else."""
    if {name.partition(".")[0] for name in weights.tensors} != {"encoder", "decoder"}:
        return weights
    start = "encoder."
    tensors = {name.removeprefix(start): tensor for name, tensor in weights.tensors.items() if name.startswith(start)}
    return replace(weights, tensors=tensors, backbone=_backbone(Path(weights.source)))


def _backbone(path: Path) -> str:
    """What an autoencoder's encoder is, from the settings beside its checkpoint."""
    try:
        model = read_yaml(path.parent.parent / "settings.yaml").get("model") or {}
    except UserError:
        return "of an unknown backbone"
    # Settings hold what was chosen; what they lack is the default.
    options = "".join(f" {key}={value}" for key, value in model.get("backbone_options", {}).items())
    return f"model.backbone={model.get('backbone', 'plain')}{options}"


def _placed(weights: Weights, state: Mapping[str, Tensor]) -> Weights:
    """An encoder under the names of the network, which may keep it in a part of its own; the rest of the network stays new."""
    if not weights.backbone:
        return weights
    part = "encoder."
    bare = {name.removeprefix(part): tensor for name, tensor in weights.tensors.items()}
    ways = (weights.tensors, bare, {part + name: tensor for name, tensor in bare.items()})
    tensors = next((way for way in ways if way.keys() <= state.keys()), weights.tensors)
    parts = dict.fromkeys(name.partition(".")[0] for name in tensors)
    return replace(weights, tensors=tensors, parts=tuple(parts))


def _of_another_network(weights: Weights, matches: Iterable[_Match], extra: list[str]) -> str:
    body, top = matches
    total = len(body.names) + len(top.names)
    shapes = [
        f"{name} ({theirs} in the file, {ours} in the network)" for name, (theirs, ours) in body.differing.items()
    ]
    parts = [
        f"{label}: {_first(names)}"
        for label, names in (("missing", body.missing), ("of another shape", shapes), ("without a place", extra))
        if names
    ]
    fit = len(body.fitting) + len(top.fitting)
    if weights.backbone:
        fit = sum(name in body.fitting for name in weights.tensors)
        return (
            f"The encoder in {weights.source} ({weights.backbone}) is of another network: {fit} of its {len(weights.tensors)} "
            f"tensors fit; {'; '.join(parts)}. Choose that backbone as the model, with the same options and images of as many "
            "channels, or train an autoencoder with this network as model.backbone."
        )
    return (
        f"The weights in {weights.source} belong to another network: {fit} of the network's {total} tensors fit; "
        f"{'; '.join(parts)}. Choose the architecture and the options that they were trained with."
    )


def _without_an_end(source: str, lacking: list[str]) -> str:
    return (
        f"The weights in {source} are for the beginning of the network only, without {_first(lacking)}, so it cannot be "
        "evaluated. Train it first."
    )


def _of_other_classes(weights: Weights, top: _Match, head: tuple[str, ...]) -> str:
    theirs, ours = _classes(weights, head), next((pair[1] for pair in top.differing.values()), "")
    if theirs is None or not ours:
        return f"The weights in {weights.source} lack the head of the network ({_first(top.missing)}), so it cannot be evaluated."
    return (
        f"The weights in {weights.source} have {theirs} classes, the data set {_first_side(ours, weights)}. Choose the classes "
        "that they were trained for: data.classes=[...]."
    )


def _why(weights: Weights, top: _Match, head: tuple[str, ...], *, lacking: bool) -> str:
    if lacking:
        return "the weights are for the beginning of the network only"
    if weights.backbone:
        return "the weights are the encoder of an autoencoder"
    if weights.parts:
        return f"the weights are for the {' and the '.join(weights.parts)} only"
    theirs = _classes(weights, head)
    if theirs is None or not top.differing:
        return "the weights have no such head"
    ours = next(iter(top.differing.values()))[1]
    return f"the weights have {theirs} classes, the data set {_first_side(ours, weights)}"


def _classes(weights: Weights, head: tuple[str, ...]) -> int | None:
    outputs = (tensor.shape[0] for name, tensor in weights.tensors.items() if _below(name, head) and tensor.ndim)
    return next(map(weights.classes_of, outputs), None)


def _first_side(shape: str, weights: Weights) -> int:
    return weights.classes_of(int(shape.split("x")[0]))


def _below(name: str, parts: tuple[str, ...]) -> bool:
    return any(name.startswith(f"{part}.") for part in parts)


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a single number"


def _first(names: Sequence[str], limit: int = 4) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def _read_safetensors(path: Path) -> Weights:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
            metadata = dict(file.metadata() or {})
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise WeightsError(_damaged(path, "safetensors", error)) from error
    return Weights(_without_prefixes(tensors), str(path), metadata)


def _read_torch(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about old formats and pickle protocols: they are read all the same
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can fail in any line of the unpickler
        refused = re.search(r"GLOBAL (\S+)", str(error))
        if refused:
            raise WeightsError(
                f"{path} holds more than weights ({refused[1]}), which could run code: it was not loaded, and nothing in it "
                "ran. Save only the tensors, torch.save(model.state_dict(), ...), or use .safetensors."
            ) from error
        raise WeightsError(f"{_damaged(path, 'torch', error)} Nothing in it ran.") from error


def _damaged(path: Path, kind: str, error: Exception) -> str:
    said = " ".join(str(error).split("WeightsUnpickler error:")[-1].split())[:100]
    return f"{path} is not a readable {kind} file: truncated, or another format ({said or type(error).__name__})."


def _unwrapped(content: Any, path: Path) -> dict[str, Tensor]:
    for _ in range(2):
        wrapper = next(
            (key for key in WRAPPERS if isinstance(content, Mapping) and isinstance(content.get(key), Mapping)), None
        )
        content = content if wrapper is None else content[wrapper]
    tensors = {}
    if isinstance(content, Mapping):
        tensors = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    if not tensors:
        raise WeightsError(
            f"{path} holds no weights: expected names with tensors, at the top or under {', '.join(WRAPPERS)}."
        )
    return _without_prefixes(tensors)


def _without_prefixes(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in PREFIXES * 2:
        inner = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        if inner and set(tensors) - {prefix + name for name in inner} <= {"n_averaged"}:
            tensors = inner
    return tensors


def _separate(state: Mapping[str, Any]) -> dict[str, Tensor]:
    seen: set[int] = set()
    tensors = {}
    for name, value in state.items():
        if isinstance(value, Tensor):
            tensor = value.detach().cpu().contiguous()
            place = tensor.untyped_storage().data_ptr()
            tensors[name] = tensor.clone() if place in seen else tensor
            seen.add(place)
    return tensors


def _download(architecture: Architecture, word: str) -> Any:
    label, name = DOWNLOADS[word]
    pretrained = getattr(architecture.module, name, None)
    download = None if pretrained is None else pretrained(architecture.options)
    if download is None:
        options = ", ".join(f"{name}={value}" for name, value in architecture.options)
        raise WeightsError(
            f"There are no {label} weights for model={architecture.name} ({options}). Give a file or a run folder, or "
            "leave out model.weights."
        )
    return download


def _fetch(architecture: Architecture, word: str) -> Weights:
    download = _download(architecture, word)
    try:
        with torch.random.fork_rng(devices=[]):
            if not hasattr(download, "get_state_dict"):
                return Weights(dict(download()), word)
            state = download.get_state_dict(progress=False, check_hash=True)
    except Exception as error:  # network, disk, checksum: each library has errors of its own
        raise WeightsError(_not_fetched(architecture, word, error)) from error
    parts = tuple(getattr(download, "parts", ()))
    return Weights(dict(state), f"{word} ({Path(download.url).name})", parts=parts)


def _not_fetched(architecture: Architecture, word: str, error: Exception) -> str:
    return (
        f"The {DOWNLOADS[word][0]} weights of model={architecture.name} could not be fetched ({type(error).__name__}: "
        f"{' '.join(str(error).split())[:120]}).{_cure(_download(architecture, word))}"
    )


def _cure(download: Any) -> str:
    if not hasattr(download, "url"):
        return ""
    folder = getattr(download, "folder", Path(torch.hub.get_dir()) / "checkpoints")
    return (
        f" {Path(download.url).name} is expected in {folder} and comes from {download.url}; without a network, fetch it "
        "elsewhere and give it as model.weights=FILE."
    )
