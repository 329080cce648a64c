"""A notebook that repeats a training in Colab, Kaggle or here: settings, own files, training, and the parts of the report."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path, PurePath
from typing import Any

from packaging.requirements import Requirement

from vyvod import __version__
from vyvod.coursework import notebook_cells as parts
from vyvod.coursework.links import colab_link, github, kaggle_link
from vyvod.coursework.notebook_cells import SETTINGS, Cell
from vyvod.coursework.notebook_texts import Words
from vyvod.coursework.places import own_files, with_places, without_machine
from vyvod.coursework.repository import Repository, RepositoryError
from vyvod.errors import UserError
from vyvod.files import read_json, read_yaml, write_text
from vyvod.report.settings import Language

_METADATA = {
    "accelerator": "GPU",
    "colab": {"provenance": []},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def build(  # noqa: PLR0913  each is a fact of its own
    settings: Mapping[str, Any],
    *,
    title: str,
    requirements: Sequence[str],
    language: Language,
    repository: str | None,
    branch: str | None,
    path: str,
    sources: Mapping[str, str] | None = None,
    first: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The notebook, nbformat 4.5. The same arguments give the same bytes.

    Args:
        settings: of one training, as in its YAML file. Absolute paths of this machine are replaced.
        title: its heading, plain text.
        requirements: lines of ``requirements.txt``; those that name no exact version are left out.
        language: ``ru`` or ``en``.
        repository: origin's address; its user name, password or token is not used. None, or not on GitHub: no badges.
        branch: that the notebook will be on.
        path: of the notebook in the repository, with ``/``.
        sources: own file as the settings name it -> its text; by default the files are read.
        first: settings of the trainings from whose weights this one begins, in their order.

    Raises:
        UserError: an own file cannot be read.
    """
    words = Words(language)
    carried, files = own_files(settings, sources)
    carried, places = without_machine(carried)
    earlier = []
    for record in first:
        before, files = own_files(record, sources, files)
        earlier.append(with_places(before, places))
    cells = [
        *parts.beginning(words, title, colab_link(repository, branch, path), kaggle_link(repository, branch, path)),
        *parts.installation(words, requirements),
        *parts.settings_file(words, carried, tracked="wandb" in (settings.get("tracking") or ())),
        *parts.first_settings(words, [record for record, _ in earlier]),
        *parts.own_sources(words, files),
        *parts.places_here(words, places, first=bool(first)),
        *parts.training(words, places, first=[shared for _, shared in earlier]),
        *parts.results(words),
        *parts.packing(words),
    ]
    ours = {"format": 1, "sources": _sources_hash(cells)}
    return {"cells": cells, "metadata": {**_METADATA, "vyvod": ours}, "nbformat": 4, "nbformat_minor": 5}


def rendered(notebook: Mapping[str, Any]) -> str:
    """The text of the .ipynb file."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def write_notebook(folder: Path, settings: Path | None, *, output: Path) -> list[str]:
    """Write the notebook of some settings.

    Args:
        folder: of the coursework.
        settings: YAML, or a run folder; None: ``baseline.yaml`` of the folder.
        output: the file; a notebook of this program that nobody has changed is replaced.

    Returns:
        sentences for a person.

    Raises:
        UserError: the settings are absent or wrong, or a file of somebody else stands in the way.
    """
    # Checking settings loads torch.
    from vyvod.experiment.settings import read_settings

    file = _settings_file(folder, settings)
    record, known = read_yaml(file), read_settings(file)
    if output.suffix != ".ipynb":
        raise UserError(f"{output} does not end in .ipynb, as the name of a notebook does.")
    _refuse_foreign(output)
    listed, origin = _requirements_of(file, folder)
    repository, branch, path = _whereabouts(folder, output)
    notebook = build(
        record,
        title=known.report.title or known.name or _title(known.data.name, known.model.name),
        requirements=listed,
        language=known.report.language,
        repository=repository,
        branch=branch,
        path=path,
    )
    write_text(output, rendered(notebook))
    return list(_told(output, file, origin, listed, repository, branch))


def _told(
    output: Path, file: Path, origin: str, listed: Sequence[str], repository: str | None, branch: str | None
) -> list[str]:
    sentences = [f"{output}: the training of {file}, with the versions of {origin}."]
    if left := [
        line for line in listed if line.strip() and not line.lstrip().startswith("#") and parts.pin(line) is None
    ]:
        sentences.append(f"Left out, since they name no exact version: {', '.join(left[:5])}.")
    owner = github(repository)
    if owner and branch:
        sentences.append(f"Its badges open branch {branch} of github.com/{owner}: commit and push the notebook there.")
    else:
        sentences.append(
            "No badges for Colab and Kaggle: this folder has no branch with an origin on GitHub. Upload the file there."
        )
    return sentences


def _title(data: str, model: str) -> str:
    return f"{PurePath(model).stem if model.endswith('.py') else model}, {PurePath(data).stem}"


def _settings_file(folder: Path, settings: Path | None) -> Path:
    if settings is None:
        file = folder / "baseline.yaml"
        if not file.is_file():
            raise UserError(
                f"{file} does not exist. Name the settings or a run folder: vyvod coursework notebook SETTINGS"
            )
        return file
    if not settings.exists():
        raise UserError(f"{settings} does not exist; expected a YAML file with settings, or a run folder.")
    if settings.is_dir():
        if not (settings / SETTINGS).is_file():
            raise UserError(f"{settings} is not a run folder: it holds no {SETTINGS}.")
        return settings / SETTINGS
    return settings


def _requirements_of(file: Path, folder: Path) -> tuple[list[str], str]:
    """Lines of ``requirements.txt`` beside the settings or in the folder, else of what is installed; and their origin."""
    for place in (file.parent / "requirements.txt", folder / "requirements.txt"):
        if place.is_file():
            return place.read_text(encoding="utf-8", errors="replace").splitlines(), str(place)
    return installed_requirements(), "what is installed"


def installed_requirements() -> list[str]:
    """``name==version`` of this program and of what it needs, as installed."""
    found = {}
    for line in metadata.requires("vyvod") or ():
        needed = Requirement(line)
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            found[needed.name] = metadata.version(needed.name).partition("+")[0]
    return [*(f"{name}=={version}" for name, version in sorted(found.items())), f"vyvod=={__version__}"]


def _whereabouts(folder: Path, output: Path) -> tuple[str | None, str | None, str]:
    """Origin's address, the branch that is checked out, and the path of the file in the repository."""
    try:
        repository = Repository.open(folder)
        path = output.resolve().relative_to(repository.path.resolve()).as_posix()
        return repository.remote(), repository.head(), path
    except (RepositoryError, ValueError):
        return None, None, output.name


def _refuse_foreign(output: Path) -> None:
    if not output.exists():
        return
    try:
        there = read_json(output)
        unchanged = there["metadata"]["vyvod"]["sources"] == _sources_hash(there["cells"])
    except (UserError, LookupError, TypeError, AttributeError):
        unchanged = False
    if not unchanged:
        raise UserError(
            f"{output} was not written by this program, or has been changed since; it is left alone. "
            "Choose another name: --output other.ipynb"
        )


def _sources_hash(cells: Sequence[Cell]) -> str:
    # Outputs do not count: a notebook that was only run is still ours.
    texts = "\0".join("".join(cell.get("source", ())) for cell in cells)
    return hashlib.sha256(texts.encode("utf-8", "surrogatepass")).hexdigest()[:16]
