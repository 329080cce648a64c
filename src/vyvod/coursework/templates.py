"""The files of a coursework repository that are the same for everybody but for a few words."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import yaml

from vyvod import __version__
from vyvod.report.settings import Language

GITIGNORE = """\
# What is handed in is copied to the branches of the homeworks; what it was made from stays here.
/runs/
/experiments/
/data/
/wandb/
*.pt
*.pth
*.ckpt
*.safetensors
/homework_*.zip
__pycache__/
*.py[cod]
.venv/
venv/
.ipynb_checkpoints/
.DS_Store
Thumbs.db
.idea/
.vscode/
"""
IGNORED = ("runs/x", "experiments/x")
"""What git must leave alone, whatever else a .gitignore says: switching branches would touch runs otherwise."""

_WORKFLOW = """\
# Checks on every push what is to be handed in: README, results, experiments, conclusions, numbers.
name: coursework
on: [push, workflow_dispatch]
permissions:
  contents: read
jobs:
  check:
    runs-on: ubuntu-latest
    timeout-minutes: 20
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0  # all branches: each homework is one
      - uses: actions/setup-python@v5
        with:
          python-version: "{python}"
      # The line of requirements.txt that names vyvod. {where}
      - run: pip install "$(grep -iE '^vyvod( *@|==)' requirements.txt | head -n 1)"
      - run: vyvod coursework check
"""
_ELSEWHERE = "If pip does not find it, write there where it is, such as vyvod @ git+https://ADDRESS@COMMIT"

_LINUX = re.compile(r"(pytorch-)?triton$|(nvidia|cuda)[-_.]", re.IGNORECASE)
"""What torch brings along for GPUs on Linux."""

_TRAIN = {
    "en": (
        "Homework {number}: {title}. Trains with the same settings.",
        "python train.py trains the main run again; python train.py settings/OTHER.yaml another run.",
    ),
    "ru": (
        "Домашнее задание {number}: {title}. Обучение с теми же настройками.",
        "python train.py повторяет главный запуск, python train.py settings/ДРУГОЙ.yaml — другой запуск.",
    ),
}
_EXPERIMENT = {
    "en": "An experiment is repeated by another command: {commands}.",
    "ru": "Эксперимент повторяет другая команда: {commands}.",
}
_FIRST = {
    "en": "Initial weights, and the settings of the run that they come from: it is trained first where they are not there.",
    "ru": "Начальные веса и настройки запуска, из которого они взяты: если весов нет, сначала обучается он.",
}
_SCRIPT = '''\
"""{first}

{second}
"""

import sys
from pathlib import Path

from vyvod.errors import UserError
from vyvod.experiment.run import train
from vyvod.experiment.settings import read_settings

SETTINGS = "settings/{run}.yaml"
{table}

def repeat(file: str) -> None:
    settings = read_settings(Path(file))
{before}    folder = train(settings, command=f"python train.py {{file}}")
    print(f"{{file}}: {{folder / 'report.html'}}")


def main() -> None:
    try:
        for file in sys.argv[1:] or [SETTINGS]:
            repeat(file)
    except UserError as error:
        print(f"Error: {{error}}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
'''
_BEFORE = """\
    weights = settings.model.weights
    if weights in FIRST and not Path(weights).exists():
        repeat(FIRST[weights])
"""


def workflow() -> str:
    """``.github/workflows/coursework.yml``."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return _WORKFLOW.format(python=python, where="" if _address() else _ELSEWHERE).replace(". \n", ".\n")


def train_script(
    run: str,
    *,
    number: int,
    title: str,
    language: Language,
    first: Mapping[str, str] | None = None,
    experiments: Sequence[str] = (),
) -> str:
    """``train.py`` of a homework.

    Args:
        run: the name of its main settings.
        number: of the homework.
        title: of the homework.
        language: of the comments.
        first: initial weights -> file with the settings of the run that they come from.
        experiments: names of their settings.
    """
    about, usage = (line.format(number=number, title=_literal(title)) for line in _TRAIN[language])
    if experiments:
        commands = ", ".join(f"vyvod experiment settings/{name}.yaml" for name in experiments)
        usage += "\n" + _EXPERIMENT[language].format(commands=commands)
    lines = [f"    {_quoted(weights)}: {_quoted(file)},\n" for weights, file in (first or {}).items()]
    table = f"# {_FIRST[language]}\nFIRST = {{\n{''.join(lines)}}}\n" if first else ""
    return _SCRIPT.format(first=about, second=usage, run=run, table=table, before=_BEFORE if first else "")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _literal(text: str) -> str:
    """A text inside of a docstring that can neither end it nor escape anything."""
    return " ".join(text.split()).replace("\\", "/").replace('"', "'")


def vyvod_line() -> str:
    """The line of ``requirements.txt`` that names this program: its address where it was installed from one, else its version."""
    return _address() or f"vyvod=={__version__}"


def requirements_text(lines: Mapping[str, str], *, vyvod: str) -> str:
    """``requirements.txt``, with what a reader must know about this program.

    Args:
        lines: name -> version.
        vyvod: the line of this program.
    """
    listed = [f"{name}=={version}{_marker(name)}" for name, version in sorted(lines.items()) if name != "vyvod"]
    note = [] if "@" in vyvod else [f"# {_ELSEWHERE}"]
    return "\n".join([*listed, *note, vyvod]) + "\n"


def _marker(name: str) -> str:
    """Behind a library that there is for Linux alone, so that the others can be installed elsewhere too."""
    return '; sys_platform == "linux"' if _LINUX.match(name) else ""


def baseline_text(record: Mapping[str, Any], language: Language) -> str:
    """``baseline.yaml``."""
    note = {"en": "Settings of the first training; all others have their defaults (vyvod settings).",
            "ru": "Настройки первого обучения; у остальных настроек значения по умолчанию (vyvod settings)."}  # fmt: skip
    lines = yaml.safe_dump(dict(record), sort_keys=False, allow_unicode=True)
    return f"# {note[language]}\n# vyvod train baseline.yaml\n{lines}"


def _address() -> str | None:
    """Where pip fetched this program from, if that was a repository on the network, with its commit."""
    try:
        known = json.loads(metadata.distribution("vyvod").read_text("direct_url.json") or "{}")
    except (metadata.PackageNotFoundError, ValueError):
        return None
    commit = known.get("vcs_info", {}).get("commit_id")
    address = str(known.get("url", ""))
    # An address with a user or a token in it is nobody else's.
    open_to_all = address.startswith("https://") and "@" not in address
    return f"vyvod @ git+{address}@{commit}" if commit and open_to_all else None
