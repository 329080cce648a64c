"""From ``model:`` settings to a network: checking the options, building, freezing, counting."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MethodType, ModuleType
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils.flop_counter import FlopCounterMode

from vyvod import catalog
from vyvod.errors import SettingsError
from vyvod.models.contract import ModelSettings
from vyvod.models.inputs import rgb_input
from vyvod.types import InputSpec, Record

ALL_BUT_HEAD = "all-but-head"
ENCODER = "encoder"


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network by name, with its options checked."""

    name: str
    """As in the settings."""
    task: str
    module: ModuleType
    """The file that builds it; see ``models/contract.py``."""
    options: Record
    head: tuple[str, ...]
    """Names of the submodules that depend on the number of classes."""
    title: str
    """In one line, for reports."""


class NoOptions(Record):
    """For files without ``Options``."""


def resolve(settings: ModelSettings) -> Architecture:
    """Find an architecture and check its options.

    Raises:
        SettingsError: there is no such architecture, its file lacks what the contract asks for, or options are wrong; the text
            lists all of them.
    """
    entry = catalog.find_architecture(settings.name)
    module = catalog.load(entry)
    _check_file(settings.name, module)
    options = _options(settings, getattr(module, "Options", NoOptions))
    if settings.weights is not None and hasattr(module, "for_weights"):
        options = module.for_weights(options, settings.weights)
    variant = _variant(settings.name)
    title = f"{variant}, from the library {settings.name.partition('/')[0]}" if variant else entry.title
    return Architecture(settings.name, entry.tasks[0], module, options, _head(module, options), title)


def fit_input(architecture: Architecture, native: InputSpec | None) -> InputSpec:
    """The input that the network is built for, given the images as they are (None: photos of various sizes).

    Raises:
        SettingsError: a user's own ``fit_input`` fails or gives something else.
    """
    own = getattr(architecture.module, "fit_input", None)
    if own is None:
        return rgb_input(native)
    spec = _call(architecture, own, architecture.options, native)
    if not isinstance(spec, InputSpec):
        raise SettingsError(
            f"fit_input of model={architecture.name} gave {_kind(spec)}; expected vyvod.types.InputSpec."
        )
    return spec


def build(architecture: Architecture, spec: InputSpec, classes: int) -> nn.Module:
    """A freshly initialised network, in training mode, on the CPU, that has been tried on images of that size.

    Detectors of ours take images of any size and are not tried: it would be work for seconds. Only the initialisation draws
    from torch's global generator.

    Raises:
        SettingsError: it cannot be built, or does not give what its task expects for images of that size.
    """
    model = _call(architecture, architecture.module.build, architecture.options, spec, classes)
    if not isinstance(model, nn.Module):
        raise SettingsError(f"build of model={architecture.name} gave {_kind(model)}; expected a torch.nn.Module.")
    if architecture.task in _SHAPES:
        _try(architecture, model, spec, classes)
    if architecture.task == "detection" and architecture.name.endswith(".py"):
        _try_detector(architecture, model, spec, classes)
    return model.train()


def margin(architecture: Architecture) -> int:
    """Pixels that a segmentation network loses on each side, as valid convolutions do; 0 for most."""
    own = getattr(architecture.module, "margin", None)
    return 0 if own is None else int(_call(architecture, own, architecture.options))


def cost(model: nn.Module, spec: InputSpec) -> dict[str, int | None]:
    """What a network costs.

    Returns:
        ``parameters``; ``trainable``, those that are not frozen; ``macs``, multiplications with addition for one image, of
        convolutions and matrices only; None where they cannot be counted.
    """
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return {
        "parameters": sum(size for size, _ in sizes),
        "trainable": sum(size for size, trainable in sizes if trainable),
        "macs": _macs(model, spec),
    }


def freeze(model: nn.Module, names: tuple[str, ...], head: tuple[str, ...], *, fresh: Collection[str] = ()) -> None:
    """Stop training parts of a network.

    Their batch norms stay in evaluation mode, also when the network is set to training: with statistics that went on moving, the
    frozen part would still change from step to step, and with statistics of the batch it would not be the function that its
    weights were trained for. Dropout in a frozen part stays on, since it regularises what comes behind it.

    Args:
        model: changed in place.
        names: submodules, such as ``layer1`` or ``features.0``; ``all-but-head`` is everything except the head;
            ``encoder``, where the network has no part of that name, is everything except the head and what is fresh.
        head: submodules that depend on the number of classes.
        fresh: names of tensors that no weights were loaded into.

    Raises:
        SettingsError: there is no such submodule, or nothing is left to train.
    """
    heads = _check_parts(model, names, head)
    for name, module in model.named_modules():
        body = not any(_is_below(name, part) for part in heads)
        loaded = not any(f"{name}.{own}" in fresh for own, _ in module.named_parameters(recurse=False))
        words = (
            *([ALL_BUT_HEAD] if body else []),
            *([ENCODER] if body and loaded and not hasattr(model, ENCODER) else []),
        )
        if any(word in names for word in words) or any(_is_below(name, part) for part in names):
            _freeze_alone(module)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise SettingsError(f"model.freeze={list(names)} leaves nothing to train. Freeze less.")


def unfreeze(model: nn.Module) -> None:
    """Train every parameter again, and let every batch norm follow the network's mode."""
    for module in model.modules():
        if module.__dict__.pop("train", None) is not None:
            module.train(model.training)
    model.requires_grad_()


def _class_logits(architecture: Architecture, spec: InputSpec, classes: int) -> tuple[int, ...]:
    return (classes,)


def _pixel_logits(architecture: Architecture, spec: InputSpec, classes: int) -> tuple[int, ...]:
    lost = 2 * margin(architecture)
    return classes, spec.height - lost, spec.width - lost


def _image(architecture: Architecture, spec: InputSpec, classes: int) -> tuple[int, ...]:
    return spec.channels, spec.height, spec.width


_SHAPES: Mapping[str, Callable[[Architecture, InputSpec, int], tuple[int, ...]]] = {
    "classification": _class_logits,
    "segmentation": _pixel_logits,
    "reconstruction": _image,
}
"""Task -> shape of the output for one image."""


def _check_file(name: str, module: ModuleType) -> None:
    if not callable(getattr(module, "build", None)):
        raise SettingsError(f"{name} has no function build(options, spec, classes) that gives a torch.nn.Module.")
    options = getattr(module, "Options", NoOptions)
    if not (isinstance(options, type) and issubclass(options, Record)):
        raise SettingsError(f"Options in {name} must be a class that inherits from vyvod.types.Record.")


def _head(module: ModuleType, options: Record) -> tuple[str, ...]:
    if hasattr(module, "head"):
        return tuple(module.head(options))
    names = getattr(module, "HEAD", ())
    return (names,) if isinstance(names, str) else tuple(names)


def _variant(name: str) -> str:
    library, _, variant = name.partition("/")
    return variant if library in catalog.LIBRARIES and not name.endswith(".py") else ""


def _options(settings: ModelSettings, kind: type[Record]) -> Record:
    given, variant = dict(settings.model_extra or {}), _variant(settings.name)
    if variant and given.setdefault("variant", variant) != variant:
        raise SettingsError(
            f"model={settings.name} and model.variant={given['variant']} contradict each other; leave one out."
        )
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        problems = [_explain(problem, settings.name, kind) for problem in error.errors()]
    if len(problems) == 1:
        raise SettingsError(problems[0])
    raise SettingsError(
        "\n".join([f"{len(problems)} problems in the settings:", *(f"  - {line}" for line in problems)])
    )


def _explain(problem: Mapping[str, Any], name: str, kind: type[Record]) -> str:
    key = ".".join(["model", *map(str, problem["loc"])])
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "expected").rstrip(".")
    message = message[:1].lower() + message[1:]
    if problem["type"] == "extra_forbidden":
        options = ", ".join(f"model.{option}" for option in kind.model_fields) or "none"
        near = catalog.nearest(key, [f"model.{option}" for option in (*kind.model_fields, *ModelSettings.model_fields)])
        return f"There is no setting '{key}' for model={name}.{near} Its options: {options}."
    if problem["type"] == "missing":
        return f"{key} is missing; model={name} needs it."
    return f"{key}={problem['input']!r}: {message}." if problem["loc"] else f"{message}."


def _call(architecture: Architecture, function: Callable[..., Any], *parts: Any) -> Any:
    try:
        return function(*parts)
    except SettingsError:
        raise
    except Exception as error:
        raise SettingsError(
            f"{function.__name__} of model={architecture.name} fails: {_place(error, architecture)}"
        ) from error


def _place(error: Exception, architecture: Architecture) -> str:
    """What went wrong, and the last line of the architecture's own file on the way there."""
    file = str(architecture.module.__file__)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f" ({Path(file).name}, line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}{where}."


def _try(architecture: Architecture, model: nn.Module, spec: InputSpec, classes: int) -> None:
    # One tile of a photo is work for seconds.
    number = 2 if architecture.task == "classification" else 1
    outputs = _answer(architecture, model, spec, _noise(model, spec, images=number))
    shape = (number, *_SHAPES[architecture.task](architecture, spec, classes))
    if not isinstance(outputs, Tensor) or outputs.shape != shape or not outputs.is_floating_point():
        drawn = architecture.task == "reconstruction"
        asked = _size(spec) if drawn else f"{_size(spec)} and {classes} classes"
        raise SettingsError(
            f"model={architecture.name} gives {_kind(outputs)} for {number} images of {asked}; expected a tensor of "
            f"{' x '.join(map(str, shape))} floating-point {'values' if drawn else 'logits'}."
        )


def _try_detector(architecture: Architecture, model: nn.Module, spec: InputSpec, classes: int) -> None:
    found = _answer(architecture, model, spec, list(_noise(model, spec, images=1)))
    wanted = ("boxes", "labels", "scores", *(("masks",) if getattr(architecture.module, "MASKS", False) else ()))
    problem = _problem(found, wanted, spec, classes)
    if problem:
        raise SettingsError(
            f"model={architecture.name} in evaluation mode, for a list of one image of {_size(spec)}, {problem}. Expected, as "
            f"from torchvision's detectors, a list with a dictionary for each image: {', '.join(wanted)}."
        )


def _problem(found: object, wanted: tuple[str, ...], spec: InputSpec, classes: int) -> str:
    """What is wrong with the answer of a detector to one image; nothing: all is right."""
    if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], Mapping):
        return f"gives {_kind(found)}" + (f" of {len(found)}" if isinstance(found, list) else "")
    missing = [name for name in wanted if not isinstance(found[0].get(name), Tensor)]
    if missing:
        return f"gives no tensor {' and no tensor '.join(missing)}"
    shapes = {"boxes": (4,), "labels": (), "scores": (), "masks": (1, spec.height, spec.width)}
    number = len(found[0]["labels"]) if found[0]["labels"].ndim else 0
    for name in wanted:
        if found[0][name].shape != (number, *shapes[name]):
            ours = " x ".join(("D", *map(str, shapes[name])))
            return f"gives as {name} {_kind(found[0][name])}, not {ours} for D = {number} labels"
    labels = found[0]["labels"]
    if labels.is_floating_point() or (number and not 1 <= int(labels.min()) <= int(labels.max()) <= classes):
        return f"gives labels that are not whole numbers from 1 to {classes}, the number of classes (0 is background)"
    return ""


def _answer(architecture: Architecture, model: nn.Module, spec: InputSpec, images: Tensor | list[Tensor]) -> object:
    """What a network gives for images in evaluation mode."""
    with _only_looked_at(model):
        try:
            return model(images)
        except Exception as error:
            raise SettingsError(
                f"model={architecture.name} fails on images of {_size(spec)} (channels, height, width): "
                f"{_place(error, architecture)} data.image_size=224 sets another size."
            ) from error


def _size(spec: InputSpec) -> str:
    return f"{spec.channels} x {spec.height} x {spec.width}"


def _macs(model: nn.Module, spec: InputSpec) -> int | None:
    # On shapes alone first, which costs nothing; networks that look at values have to be run, detectors in a part that does not.
    for candidate in (copy.deepcopy(model).to("meta"), model):
        run = getattr(candidate, "outputs", None)
        counter = FlopCounterMode(display=False)
        try:
            with _only_looked_at(candidate), counter:
                (run if callable(run) else candidate)(_noise(candidate, spec, images=1))
        except Exception:  # noqa: S112 - counting is for the record; what cannot be counted can still be trained
            continue
        return int(counter.get_total_flops() // 2)
    return None


@contextmanager
def _only_looked_at(model: nn.Module) -> Iterator[None]:
    """In evaluation mode, without gradients; modes and torch's generator are afterwards as before."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            model.eval()
            yield
    finally:
        for module, training in modes:
            module.training = training


def _noise(model: nn.Module, spec: InputSpec, *, images: int) -> Tensor:
    noise = torch.randn(images, spec.channels, spec.height, spec.width, generator=torch.Generator().manual_seed(0))
    return noise.to(next((parameter.device for parameter in model.parameters()), "cpu"))


def _kind(value: object) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of {' x '.join(map(str, value.shape)) or 'no dimensions'} ({value.dtype})"
    return f"a {type(value).__name__}"


def _check_parts(model: nn.Module, names: tuple[str, ...], head: tuple[str, ...]) -> list[str]:
    """The parts of the head that this network has, once the names of frozen parts are found to make sense."""
    known = [name for name, _ in model.named_modules() if name]
    unknown = [name for name in names if name not in (*known, ALL_BUT_HEAD, ENCODER)]
    if unknown:
        raise SettingsError("\n".join(f"model.freeze: {_unknown_part(name, model, known)}" for name in unknown))
    heads = [name for name in head if name in known]
    unsaid = [name for name in names if name not in known]
    if unsaid and not heads:
        raise SettingsError(
            f"model.freeze={unsaid[0]}: the architecture does not name its head. Name the parts to freeze, or write "
            'HEAD = ("name of the last layer",) at the top of its file.'
        )
    return heads


def _is_below(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def _freeze_alone(module: nn.Module) -> None:
    for parameter in module.parameters(recurse=False):
        parameter.requires_grad = False
    if isinstance(module, _NormBase) and module.track_running_stats:
        # On the layer itself: it stays so in copies of the network, such as the moving average.
        module.__dict__["train"] = MethodType(_stay_in_evaluation, module)
        module.eval()


def _stay_in_evaluation(module: nn.Module, mode: bool = True) -> nn.Module:  # noqa: FBT001, FBT002 - torch's signature
    module.training = False
    return module


def _unknown_part(name: str, model: nn.Module, known: list[str]) -> str:
    first = ", ".join(name for name, _ in model.named_children())
    return f"the network has no part '{name}'.{catalog.nearest(name, [*known, ALL_BUT_HEAD])} Its first level: {first}."
