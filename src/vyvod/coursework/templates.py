"""The files of a coursework repository that are the same for everybody but for a few words."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
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

_TRAIN = {
    "en": (
        "Homework {number}: {title}. Trains with the same settings.",
        "python train.py trains the main run again; python train.py settings/OTHER.yaml another one.",
    ),
    "ru": (
        "Домашнее задание {number}: {title}. Обучение с теми же настройками.",
        "python train.py повторяет главный запуск, python train.py settings/ДРУГИЕ.yaml любой другой.",
    ),
}
_SCRIPT = '''\
"""{first}

{second}
"""

import sys
from pathlib import Path

from vyvod.experiment.run import train
from vyvod.experiment.settings import read_settings

SETTINGS = "settings/{run}.yaml"


def main() -> None:
    files = sys.argv[1:] or [SETTINGS]
    for file in files:
        folder = train(read_settings(Path(file)), command=f"python train.py {{file}}")
        print(f"{{file}}: {{folder / 'report.html'}}")


if __name__ == "__main__":
    main()
'''


def workflow() -> str:
    """``.github/workflows/coursework.yml``."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return _WORKFLOW.format(python=python, where="" if _address() else _ELSEWHERE).replace(". \n", ".\n")


def train_script(run: str, *, number: int, title: str, language: Language) -> str:
    """``train.py`` of a homework; ``run`` is the name of its main settings."""
    first, second = (line.format(number=number, title=_literal(title)) for line in _TRAIN[language])
    return _SCRIPT.format(first=first, second=second, run=run)


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
    listed = [f"{name}=={version}" for name, version in sorted(lines.items()) if name != "vyvod"]
    note = [] if "@" in vyvod else [f"# {_ELSEWHERE}"]
    return "\n".join([*listed, *note, vyvod]) + "\n"


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
