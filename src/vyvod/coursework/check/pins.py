"""``requirements.txt``: whether every line names an exact version of something that can be installed."""

import re
import sys
from dataclasses import dataclass
from pathlib import PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from vyvod.coursework.check.requirements import Status
from vyvod.coursework.check.words import similar

NAME = "requirements.txt"
OTHER_FORMATS = (
    "environment.yml",
    "environment.yaml",
    "pipfile",
    "pipfile.lock",
    "poetry.lock",
    "pyproject.toml",
    "conda.yaml",
    "uv.lock",
)

_WRONG_NAMES = {
    "sklearn": "scikit-learn",
    "cv2": "opencv-python",
    "pil": "pillow",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
    "bs4": "beautifulsoup4",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "pytorch": "torch",
    "lightning-fabric-pytorch": "lightning-fabric",
    "mpl-toolkits": "matplotlib",
    "matplotlib-pyplot": "matplotlib",
    "torch-vision": "torchvision",
    "smp": "segmentation-models-pytorch",
    "tf": "tensorflow",
    "google-colab": "nothing: Colab has it",
    "pkg-resources": "nothing: it is a part of setuptools",
}
_CONDA = re.compile(r"^[\w.-]+=[\w.*+!-]+(=[\w.+-]+)?$")
_LOCAL = re.compile(r"^(\.{0,2}[/\\]|[A-Za-z]:[/\\]|~|file:)|@\s*(file:|[A-Za-z]:\\|/)|\.(whl|tar\.gz|zip)$")
_OPTION = re.compile(
    r"^(-i|-f|--(extra-)?index-url|--find-links|--trusted-host|--no-index|--prefer-binary|--pre|--only-binary|--no-binary)\b"
)
_COMMIT = re.compile(r"^[^#]*@[0-9a-f]{40}(#|$)")
"""Of an address: it leads to one version for ever."""
_LINUX = re.compile(r"^(triton|cuda-bindings|nvidia-(?!ml-py).*)$")
"""Libraries that torch needs on Linux, and that are not there for every other system."""
_ADDRESS = re.compile(r"^(-e\s+|--editable[\s=])?(git\+|https?://)")


@dataclass(frozen=True, slots=True)
class Pin:
    """What is the matter with a line of the file."""

    line: int
    """From 1."""
    status: Status
    found: str
    cure: str


def nearest(paths: list[str]) -> str | None:
    """The file that is meant to be ``requirements.txt``, by its name; the right one first."""
    names = {path: PurePosixPath(path).name for path in paths}
    if NAME in names.values():
        return next(path for path, name in names.items() if name == NAME)
    # Without the ending, which differs as often as the word.
    stems = {
        path: similar(re.sub(r"\.(txt|md|in|pip)$|\.txt\.txt$", "", name, flags=re.IGNORECASE), "requirements")
        for path, name in names.items()
        if PurePosixPath(name).suffix.casefold() in (".txt", "", ".md", ".in", ".pip")
    }
    best = max(stems, key=lambda path: stems[path], default=None)
    return best if best is not None and stems[best] >= 0.8 else None


def faults(text: str) -> list[Pin]:
    """What is wrong with ``requirements.txt``, line by line; empty where all is in order.

    Args:
        text: of the file.
    """
    found: list[Pin] = []
    bound: list[tuple[int, str]] = []
    lines = 0
    indexed = re.search(r"^\s*(-i|-f|--(extra-)?index-url|--find-links)\b", text, re.MULTILINE) is not None
    joined = re.sub(r"\\\r?\n", "  ", text)  # lines that go on
    for number, raw in enumerate(joined.splitlines()[:2000], start=1):
        line = re.sub(r"(^|\s)#.*$", "", raw).strip().lstrip("\ufeff")
        if not line or _OPTION.match(line):
            continue
        lines += 1
        pin = _fault(re.sub(r"\s--hash=\S+", "", line).strip(), number, indexed=indexed)
        found += [pin] if pin else []
        bound += [(number, line)] if pin is None and _is_bound(line) else []
    if bound:
        found.append(_bound_fault(bound))
    if not lines:
        found.append(
            Pin(
                1,
                "fail",
                "the file names no library",
                "Write the libraries in, with versions: pip freeze > requirements.txt",
            )
        )
    return found


def _is_bound(line: str) -> bool:
    """Whether a line is in order on Linux only; it has been read before."""
    return ";" not in line and _LINUX.match(canonicalize_name(re.split(r"[\s=\[@]", line)[0])) is not None


def _bound_fault(lines: list[tuple[int, str]]) -> Pin:
    names = ", ".join(line for _, line in lines[:3]) + (f" and {len(lines) - 3} more" if len(lines) > 3 else "")
    cure = f'Write behind each for which system it is: {lines[0][1]}; sys_platform == "linux".'
    return Pin(lines[0][0], "unknown", f"{names}: not there for every system, and pip stops where they are not", cure)


def _fault(line: str, number: int, *, indexed: bool) -> Pin | None:
    shown = line if len(line) <= 60 else f"{line[:57]}..."
    if _ADDRESS.match(line):
        return _address_fault(line, shown, number)
    if line.startswith("-"):
        return Pin(
            number, "fail", f"{shown} leads to another file or folder", "Write the libraries and versions themselves."
        )
    if _LOCAL.search(line):
        return Pin(
            number, "fail", f"{shown} is a file of one machine", "Write the name and version, such as numpy==2.1.0."
        )
    if _CONDA.match(line):
        name, version = line.split("=")[:2]
        return Pin(number, "fail", f"{shown} is written as conda does", f"Write {name}=={version}.")
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return Pin(
            number, "fail", f"{shown} is no line of requirements.txt", "Write name==version, such as numpy==2.1.0."
        )
    return _name_fault(requirement, number) or _version_fault(requirement, number, indexed=indexed)


def _name_fault(requirement: Requirement, number: int) -> Pin | None:
    name = canonicalize_name(requirement.name)
    if name in _WRONG_NAMES:
        return Pin(
            number, "fail", f"{requirement.name} cannot be installed by that name", f"Write {_WRONG_NAMES[name]}."
        )
    if name.replace("-", "_") in sys.stdlib_module_names:
        return Pin(number, "fail", f"{requirement.name} is a part of Python", "Take the line away.")
    return None


def _version_fault(requirement: Requirement, number: int, *, indexed: bool) -> Pin | None:
    if requirement.url is not None:
        return _address_fault(requirement.url, str(requirement), number)
    exact = [one for one in requirement.specifier if one.operator in ("==", "===") and not one.version.endswith("*")]
    if not exact:
        return Pin(
            number,
            "fail",
            f"{requirement} has no exact version",
            f"Write {requirement.name}==VERSION; pip show {requirement.name} tells it.",
        )
    return _place_fault(requirement, exact[0].version, number, indexed=indexed)


def _address_fault(address: str, shown: str, number: int) -> Pin | None:
    if _COMMIT.search(address):
        return None
    cure = "See whether it leads to one fixed version, such as a tag or a commit."
    return Pin(number, "unknown", f"{shown} is an address", cure)


def _place_fault(requirement: Requirement, version: str, number: int, *, indexed: bool) -> Pin | None:
    """Whether pip finds an exact version."""
    name = canonicalize_name(requirement.name)
    if name == "vyvod" and not indexed:
        found = f"{requirement}: vyvod must be installable, and nothing says where pip finds it"
        return Pin(number, "unknown", found, "Write where it is: vyvod @ git+https://ADDRESS@COMMIT.")
    if "+" in version and not indexed:
        index = "https://download.pytorch.org/whl/" + version.split("+")[1]
        cure = f"Add the line --extra-index-url {index}, or write {requirement.name}=={version.split('+')[0]}."
        return Pin(number, "unknown", f"{requirement} is not on PyPI", cure)
    return None
