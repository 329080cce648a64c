"""Whether everything is there that the program needs: what was found, and how to mend what is missing."""

from __future__ import annotations

import platform
import shutil
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import psutil
import torch
from packaging.requirements import Requirement

from vyvod import __version__
from vyvod.experiment.environment import cores, installed, output, processor
from vyvod.tracking.login import logged_in

GIB = 2**30
OLDEST_PYTHON = (3, 11)
LITTLE_MEMORY = 4 * GIB
LITTLE_DISK = 5 * GIB
EXTRAS = ("wandb", "onnx")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    value: str
    """What was found."""
    status: Literal["ok", "warning", "missing"] = "ok"
    """``missing`` is something optional that is not there."""
    cure: str = ""
    """How to mend it, or how to get it."""


def checkup() -> list[Finding]:
    """Look at Python, packages, devices, the machine and the login, without network; takes about a second."""
    return [_python(), Finding("vyvod", __version__), *_packages(), *_devices(), *_machine(), _login()]


def _python() -> Finding:
    value, needed = platform.python_version(), ".".join(map(str, OLDEST_PYTHON))
    if sys.version_info < OLDEST_PYTHON:
        return Finding("Python", value, "warning", f"install Python {needed} or newer")
    return Finding("Python", value)


def _packages() -> Iterator[Finding]:
    try:
        lines = metadata.requires("vyvod") or []
    except metadata.PackageNotFoundError:
        yield Finding("packages", "unknown: vyvod is not installed", "warning", "pip install . (in its folder)")
        return
    asked = [Requirement(line) for line in lines]
    yield from (_required(each) for each in asked if each.marker is None or each.marker.evaluate({"extra": ""}))
    for extra in EXTRAS:
        yield from (_optional(each, extra) for each in asked if _belongs(each, extra))


def _belongs(asked: Requirement, extra: str) -> bool:
    marker = asked.marker
    return marker is not None and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""})


def _required(asked: Requirement) -> Finding:
    version = installed(asked.name)
    cure = f'pip install "{asked.name}{asked.specifier}"'
    if version is None:
        return Finding(asked.name, "not installed", "warning", cure)
    return _fitting(asked, version, cure)


def _optional(asked: Requirement, extra: str) -> Finding:
    version, cure = installed(asked.name), f"pip install vyvod[{extra}]"
    if version is None:
        return Finding(asked.name, "not installed (optional)", "missing", cure)
    return _fitting(asked, version, cure)


def _fitting(asked: Requirement, version: str, cure: str) -> Finding:
    # Prereleases count: torch's nightly builds are such.
    if asked.specifier.contains(version, prereleases=True):
        return Finding(asked.name, version)
    return Finding(asked.name, f"{version}, needed {asked.specifier}", "warning", cure)


def _devices() -> Iterator[Finding]:
    yield Finding("processor", f"{processor()}, {cores()} cores")
    yield from _cuda()
    if torch.backends.mps.is_available():
        yield Finding("GPU", "Apple (training.device=mps)")


def _cuda() -> Iterator[Finding]:
    build, driver = torch.version.cuda, _driver()
    with warnings.catch_warnings():
        # torch warns of an old driver; the finding says it.
        warnings.simplefilter("ignore")
        available = torch.cuda.is_available()
    if available:
        yield Finding("CUDA", f"{build} (torch's), driver {driver or 'unknown'}")
        for number in range(torch.cuda.device_count()):
            card = torch.cuda.get_device_properties(number)
            yield Finding(f"GPU {number}", f"{card.name}, {card.total_memory / GIB:.0f} GiB")
    elif driver is None:
        yield Finding("CUDA", "no NVIDIA GPU: training runs on the CPU")
    elif build is None:
        yield Finding(
            "CUDA", f"driver {driver}, but this torch is built without CUDA", "warning", "install a CUDA build of torch"
        )
    else:
        yield Finding(
            "CUDA", f"driver {driver} does not serve torch's CUDA {build}", "warning", "update the NVIDIA driver"
        )


def _driver() -> str | None:
    found = output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    return found.split()[0] if found else None


def _machine() -> Iterator[Finding]:
    memory = psutil.virtual_memory()
    yield _enough(
        "memory",
        f"{memory.available / GIB:.1f} of {memory.total / GIB:.1f} GiB free",
        enough=memory.available >= LITTLE_MEMORY,
        cure="close other programs, or lower training.batch_size",
    )
    folder = Path("runs").absolute()
    free = shutil.disk_usage(next(place for place in (folder, *folder.parents) if place.exists())).free
    yield _enough(
        "disk", f"{free / GIB:.1f} GiB free for {folder}", enough=free >= LITTLE_DISK, cure="free space, or folder=DIR"
    )


def _enough(name: str, value: str, *, enough: bool, cure: str) -> Finding:
    return Finding(name, value) if enough else Finding(name, value, "warning", cure)


def _login() -> Finding:
    if logged_in():
        return Finding("W&B login", "yes: tracking=[wandb] sends what it tracks")
    return Finding("W&B login", "no: tracking=[wandb] stays offline", "missing", "wandb login")
