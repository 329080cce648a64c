"""Where a run took place: machine, versions and commit, so that it can be repeated and its speed judged."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import psutil
import torch

from vyvod import __version__

LIBRARIES = ("torch", "torchvision", "lightning-fabric", "timm", "numpy", "scipy", "pillow", "matplotlib")
"""Those whose version can change a number or a picture."""


def hardware() -> dict[str, str | int]:
    """The machine, as ``run.json`` has it.

    Returns:
        ``device`` (the one that is used by default), its ``name``, processor ``cores`` that this process may use, main
        memory in ``memory_bytes``, the number of ``devices``.
    """
    device = default_device()
    return {
        "device": device,
        "name": torch.cuda.get_device_name() if device == "cuda" else processor(),
        "cores": cores(),
        "memory_bytes": psutil.virtual_memory().total,
        "devices": torch.cuda.device_count() if device == "cuda" else 1,
    }


def default_device() -> str:
    """``cuda``, ``mps`` or ``cpu``."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def cores() -> int:
    """Processor cores that this process may use; containers and schedulers give fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """The processor's name, such as ``AMD EPYC 7B13``."""
    if sys.platform == "darwin":
        return output("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def peak_memory(device: torch.device) -> int:
    """Bytes that this process held at most: of the GPU's memory where it trains there, else of main memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    if sys.platform == "linux":
        # `getrusage` also counts what the parent held before it started this process.
        held = re.search(r"^VmHWM:\s*(\d+) kB$", Path("/proc/self/status").read_text(encoding="utf-8"), re.MULTILINE)
        if held:
            return int(held[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kibibytes, but bytes on macOS.
    return peak if sys.platform == "darwin" else peak * 1024


def reset_peak_memory() -> None:
    """Count from here on, in a process that trains one run after another; where the system has no way to, nothing happens."""
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.reset_peak_memory_stats()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def versions() -> dict[str, str]:
    """Versions of Python, of this program and of the installed libraries that can change a number."""
    found = {name: version for name in LIBRARIES if (version := installed(name))}
    cuda = {"cuda": torch.version.cuda} if torch.version.cuda else {}
    return {"python": platform.python_version(), "vyvod": __version__, **found, **cuda}


def installed(name: str) -> str | None:
    """The version of a distribution, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def git_state(path: Path) -> dict[str, str | bool] | None:
    """The commit of the user's working folder, and whether files under version control differ from it.

    Returns:
        ``commit`` and ``dirty``; None without git, without a repository, or before its first commit.
    """
    commit = output("git", "-C", str(path), "rev-parse", "HEAD")
    if commit is None:
        return None
    # Files that git does not know do not count: run folders are such.
    changes = output("git", "-C", str(path), "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": bool(changes)}


def output(*command: str) -> str | None:
    """What a program of the machine prints; None where it is absent, fails or takes more than 20 seconds."""
    try:
        ended = subprocess.run(  # noqa: S603  the callers are in this package and pass no words of a user but paths
            command,
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            stdin=subprocess.DEVNULL,
            # Reading must not wait for, or leave, a lock in the user's repository.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return ended.stdout.strip()


def requirements() -> str:
    """``name==version`` lines of what this process has loaded, for ``pip install -r``.

    A suffix such as ``+cu132`` is left out, because package registries do not have it. So are packages that were installed from a
    folder or file, except for this program.
    """
    packages = metadata.packages_distributions()
    loaded = {name.partition(".")[0] for name in list(sys.modules)}
    names = {_normalised(name) for package in loaded for name in packages.get(package, ())} - {"vyvod"}
    found = {name: metadata.distribution(name) for name in names}
    lines = [f"{name}=={each.version.partition('+')[0]}" for name, each in found.items() if _has_a_home(each)]
    return "\n".join(sorted([*lines, f"vyvod=={__version__}"])) + "\n"


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _has_a_home(distribution: metadata.Distribution) -> bool:
    origin = distribution.read_text("direct_url.json")
    # Installers note a file also where a wheel of a registry had been fetched before; only folders are nowhere else.
    return origin is None or "dir_info" not in json.loads(origin)
