"""A notebook that repeats a training in Colab, Kaggle or here: settings, own files, training, and the parts of the report.

What comes from a person (settings, names, sources) stands either in the body of ``%%writefile``, which IPython hands on as it is,
or in Python literals: no text can leave its cell.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote, urlsplit

import yaml
from packaging.requirements import InvalidRequirement, Requirement

from vyvod import __version__, catalog
from vyvod.coursework.repository import Repository, RepositoryError
from vyvod.errors import SettingsError, UserError
from vyvod.files import read_json, read_yaml, write_text
from vyvod.report.readme import escape
from vyvod.report.settings import Language

Cell = dict[str, Any]

SETTINGS = "settings.yaml"
"""What the notebook writes its settings to."""
_KNOWN_WEIGHTS = (None, "imagenet", "coco")
_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*===?\s*(?P<version>[A-Za-z0-9][A-Za-z0-9.!_-]*)(\+[A-Za-z0-9.]+)?"
)
_GITHUB = re.compile(
    r"(?:(?:https?|git|ssh|git\+ssh)://(?:[^/#?\\]*@)?(?:www\.)?github\.com(?::\d+)?/|(?:[^/@:]+@)?github\.com:/?)"
    r"(?P<owner>[A-Za-z0-9][A-Za-z0-9-]*)/(?P<name>[A-Za-z0-9._-]+?)(?:\.git)?/?",
    re.IGNORECASE,
)

TEXTS: Mapping[str, tuple[str, str]] = {
    "intro": (
        "This notebook repeats one training from its settings: it installs the versions of the libraries that were used, "
        "writes the settings to a file, trains, and shows the results. Run the cells from top to bottom.",
        "Этот ноутбук повторяет одно обучение по его настройкам: устанавливает те версии библиотек, которые были использованы, "
        "записывает настройки в файл, обучает сеть и показывает результаты. Выполняйте ячейки сверху вниз.",
    ),
    "gpu": (
        "A GPU makes it many times faster. Colab: *Runtime → Change runtime type*; Kaggle: *Settings → Accelerator*.",
        "На GPU обучение идёт намного быстрее. Colab: *Среда выполнения → Сменить среду выполнения*; "
        "Kaggle: *Settings → Accelerator*.",
    ),
    "install": ("## Libraries", "## Библиотеки"),
    "install_comment": (
        "Only what is missing here is installed. A line that you delete takes the version that is there already.",
        "Устанавливается только то, чего здесь нет. Если удалить строку, останется версия, которая уже установлена.",
    ),
    "vyvod_comment": (
        "vyvod itself. Package registries may not have it: then put its wheel (vyvod-*.whl) beside this notebook,\n"
        "# or clone its repository and write the folder here in place of the version.",
        "Сама программа vyvod. В реестре пакетов её может не быть: тогда положите рядом с ноутбуком её файл vyvod-*.whl\n"
        "# или клонируйте её репозиторий и укажите здесь папку вместо версии.",
    ),
    "vyvod_absent": (
        "vyvod is not installed: put its wheel (vyvod-*.whl) beside this notebook and run this cell again.",
        "Программа vyvod не установлена: положите рядом с ноутбуком её файл vyvod-*.whl и выполните ячейку ещё раз.",
    ),
    "differs": (
        "Not in the recorded version: ",
        "Версии отличаются от записанных: ",
    ),
    "restart": (
        "If something was loaded before it was installed, restart the session and go on from here.",
        "Если библиотека была загружена до установки, перезапустите сеанс и продолжайте с этой ячейки.",
    ),
    "settings": ("## Settings", "## Настройки"),
    "settings_lead": (
        "`vyvod settings` lists all settings with their meaning.",
        "Все настройки и их смысл показывает команда `vyvod settings`.",
    ),
    "no_wandb": (
        "Tracking in W&B was left out: it needs a login.",
        "Запись в W&B отключена: для неё нужно войти в учётную запись.",
    ),
    "own": (
        "The settings name own Python files; here they are. Other files that they import have to be put beside them.",
        "В настройках указаны собственные файлы Python; вот они. Другие файлы, которые они импортируют, нужно положить рядом.",
    ),
    "place": ("## Data", "## Данные"),
    "root_comment": (
        "Where the images lie. Colab: mount the Drive or upload an archive; Kaggle: add the data set, then /kaggle/input/NAME.",
        "Где лежат изображения. Colab: подключите Диск или загрузите архив; Kaggle: добавьте датасет, тогда /kaggle/input/NAME.",
    ),
    "download_comment": (
        "True: fetch the data set from its home, where that is possible.",
        "True: скачать датасет с его сайта, если это возможно.",
    ),
    "weights_comment": (
        "Initial weights: a file or run folder that has to be put beside this notebook.",
        "Начальные веса: файл или папка запуска, их нужно положить рядом с ноутбуком.",
    ),
    "train": ("## Training", "## Обучение"),
    "results": ("## Training results", "## Результаты обучения"),
    "loss": ("### Loss", "### Функция потерь"),
    "metrics": ("### Metrics on the validation set", "### Метрики на валидации"),
    "examples": ("### Examples with the network's output", "### Примеры с ответами сети"),
    "values": ("### Metric values", "### Значения метрик"),
    "overall": ("Over all classes", "По всем классам"),
    "per_class": ("Per class, test", "По классам, test"),
    "metric": ("metric", "метрика"),
    "class": ("class", "класс"),
    "pack": ("## Take the results along", "## Сохранить результаты"),
    "pack_lead": (
        "The run folder without its checkpoints as a ZIP file. Unpacked into `runs/` of the coursework, "
        "it is a run like any other: `vyvod coursework homework` can write about it.",
        "Папка запуска без чекпойнтов в виде ZIP-файла. Если распаковать её в папку `runs/` учебного репозитория, "
        "это обычный запуск: команда `vyvod coursework homework` может описать его.",
    ),
}  # fmt: skip
"""Key -> English, Russian."""


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language."""

    language: Language

    def __call__(self, key: str) -> str:
        """The text of that key."""
        return TEXTS[key][self.language == "ru"]


def build(
    settings: Mapping[str, Any],
    *,
    title: str,
    requirements: Sequence[str],
    language: str,
    repository: str | None,
    branch: str | None,
    path: str,
    sources: Mapping[str, str] | None = None,
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

    Raises:
        UserError: an own file cannot be read.
    """
    words = Words("ru" if language == "ru" else "en")
    carried, files = _own_files(settings, sources)
    carried, words_of_place = _without_machine(carried)
    cells = [
        *_beginning(words, title, repository, branch, path),
        *_installation(words, requirements),
        *_settings(words, carried, settings),
        *_own_cells(words, files),
        *_places(words, words_of_place),
        *_training(words, words_of_place),
        *_results(words),
        *_packing(words),
    ]
    return {
        "cells": cells,
        "metadata": {
            "accelerator": "GPU",
            "colab": {"provenance": []},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "vyvod": {"format": 1, "sources": _sources_hash(cells)},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


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
    if left := [line for line in listed if line.strip() and not line.lstrip().startswith("#") and _pin(line) is None]:
        sentences.append(f"Left out, since they name no exact version: {', '.join(left[:5])}.")
    owner = github(repository)
    if owner and branch:
        sentences.append(f"Its badges open branch {branch} of github.com/{owner}: commit and push the notebook there.")
    else:
        sentences.append(
            "No badges for Colab and Kaggle: this folder has no branch with an origin on GitHub. Upload the file there."
        )
    return sentences


def github(address: str | None) -> str | None:
    """``owner/name`` of a repository on GitHub, from any form of its address, without user and token; None elsewhere."""
    found = _GITHUB.fullmatch((address or "").strip())
    if found is None or found["name"] in (".", ".."):
        return None
    return f"{found['owner']}/{found['name']}"


def colab_link(address: str | None, branch: str | None, path: str) -> str | None:
    """Where Colab opens a notebook of a repository; None where it is not on GitHub."""
    page = _page(address, branch, path)
    return page and f"https://colab.research.google.com/github/{page}"


def kaggle_link(address: str | None, branch: str | None, path: str) -> str | None:
    """Where Kaggle opens a notebook of a repository; None where it is not on GitHub."""
    page = _page(address, branch, path)
    return page and f"https://kaggle.com/kernels/welcome?src=https://github.com/{page}"


def _page(address: str | None, branch: str | None, path: str) -> str | None:
    owner = github(address)
    return f"{owner}/blob/{quote(branch)}/{quote(path)}" if owner and branch else None


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


# Settings that lead out of the notebook.


def _own_files(settings: Mapping[str, Any], sources: Mapping[str, str] | None) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings with own files beside the notebook, and the text of these files by their new names."""
    carried = {key: dict(value) if isinstance(value, Mapping) else value for key, value in settings.items()}
    files: dict[str, str] = {}
    for key in ("data", "model"):
        given = carried.get(key)
        named = given.get("name") if isinstance(given, dict) else given
        if not isinstance(named, str) or not named.endswith(".py"):
            continue
        name = _safe_name(named, key, taken=files)
        files[name] = sources[named] if sources is not None and named in sources else _read_source(named)
        carried[key] = {**(given if isinstance(given, dict) else {}), "name": f"./{name}"}
    return carried, files


def _safe_name(named: str, key: str, *, taken: Mapping[str, str]) -> str:
    # IPython expands braces and quotes in the line of a magic; a plain word means itself.
    name = re.split(r"[/\\]", named)[-1]
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*\.py", name)
    return name if plain and name not in taken else f"own_{key}.py"


def _read_source(named: str) -> str:
    try:
        return Path(named).expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UserError(f"{named}, which the settings name, cannot be read: {error}.") from error


@dataclass(frozen=True, slots=True)
class _Places:
    """What has to be found anew on another machine."""

    root: str | None
    download: bool
    weights: str | None


def _without_machine(settings: Mapping[str, Any]) -> tuple[dict[str, Any], _Places]:
    """The settings without folders of this machine, and what has to be found anew."""
    carried = {key: value for key, value in settings.items() if key != "folder"}
    data = carried.get("data")
    data = dict(data) if isinstance(data, Mapping) else {} if data is None else {"name": data}
    root = data.pop("root", None)
    needed = root is not None or not _ships(data.get("name"))
    if data:
        carried["data"] = data
    model = carried.get("model")
    weights = model.get("weights") if isinstance(model, Mapping) else None
    own = str(weights) if weights not in _KNOWN_WEIGHTS else None
    if own is not None and isinstance(model, Mapping):
        carried["model"] = {key: value for key, value in model.items() if key != "weights"}
    if isinstance(tracking := carried.get("tracking"), list | tuple):
        carried["tracking"] = [name for name in tracking if name != "wandb"]
    return carried, _Places(
        _beside(str(root), "data") if root is not None else "data" if needed else None,
        bool(data.get("download", False)),
        _beside(own, "weights") if own is not None else None,
    )


def _beside(path: str, default: str) -> str:
    """A path that means the same elsewhere; of others the last part."""
    foreign = re.match(r"[/\\~]|[A-Za-z]:|\.\.", path) or ".." in re.split(r"[/\\]", path)
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1].strip("~.") or default if foreign else path


def _ships(name: Any) -> bool:
    if name is None:
        return True
    try:
        return catalog.find_dataset(str(name)).title.rstrip(".").endswith("ships with the program")
    except SettingsError:
        return str(name).endswith(".py")  # an own file may need no folder; the data cell would only be in the way


# Cells.


def _markdown(name: str, *parts: str) -> Cell:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": _lines("\n\n".join(parts))}


def _code(name: str, source: str) -> Cell:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {},
        "outputs": [],
        "source": _lines(source.strip("\n")),
    }


def _lines(text: str) -> list[str]:
    # Only at \n: other ends of lines belong to the text.
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _beginning(words: Words, title: str, repository: str | None, branch: str | None, path: str) -> list[Cell]:
    colab, kaggle = colab_link(repository, branch, path), kaggle_link(repository, branch, path)
    badges = []
    if colab and kaggle:
        badges = [
            f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab}) "
            f"[![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)]({kaggle})"
        ]
    heading = f"# {escape(' '.join(title.split()))}"
    return [_markdown("title", heading, *badges, words("intro"), words("gpu"))]


def _pin(line: str) -> tuple[str, str] | None:
    """Name and version of a line such as ``numpy==2.4.6``, or name and address; None for everything else."""
    text = re.split(r"(?:^|\s)#|;", line, maxsplit=1)[0].strip()
    if found := _PIN.fullmatch(text):
        return found["name"], found["version"]
    try:
        needed = Requirement(text)
    except InvalidRequirement:
        return None
    parts = urlsplit(needed.url or "")
    if parts.scheme not in ("https", "git+https") or not re.fullmatch(r"[A-Za-z0-9:/@._+%#=&~-]+", needed.url or ""):
        return None
    # A token in the address stays with its owner.
    return needed.name, parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _installation(words: Words, requirements: Sequence[str]) -> list[Cell]:
    pins = dict(pin for pin in map(_pin, requirements) if pin is not None)
    program = pins.pop("vyvod", __version__)
    listing = "".join(f"    {name!r}: {version!r},\n" for name, version in pins.items())
    source = f'''
from importlib import metadata
from pathlib import Path


def differing(pins):
    """Those that are not installed in this version."""
    found = []
    for name, version in pins.items():
        address = "/" in version
        try:
            there = metadata.version(name).partition("+")[0]
        except metadata.PackageNotFoundError:
            there = None
        if there is None or not (address or there == version):
            found.append(f"{{name}} @ {{version}}" if address else f"{{name}}=={{version}}")
    return found


# {words("install_comment")}
PINS = {{
{listing}}}
# {words("vyvod_comment")}
VYVOD = {{"vyvod": {program!r}}}

if missing := differing(PINS):
    arguments = " ".join(f'"{{line}}"' for line in missing)
    %pip install --quiet {{arguments}}
if missing := differing(VYVOD):
    wheels = sorted(map(str, Path().glob("vyvod-*.whl")))
    folder = VYVOD["vyvod"] if Path(VYVOD["vyvod"]).is_dir() else None
    argument = folder or (wheels[-1] if wheels else missing[0])
    %pip install --quiet "{{argument}}"

try:
    metadata.version("vyvod")
except metadata.PackageNotFoundError:
    raise RuntimeError({words("vyvod_absent")!r}) from None
if missing := differing({{**PINS, **VYVOD}}):
    print({words("differs")!r} + ", ".join(missing))
    print({words("restart")!r})
'''
    return [_markdown("libraries", words("install")), _code("install", source)]


def _settings(words: Words, carried: Mapping[str, Any], given: Mapping[str, Any]) -> list[Cell]:
    left_out = [words("no_wandb")] if "wandb" in (given.get("tracking") or ()) else []
    return [
        _markdown("settings", words("settings"), words("settings_lead"), *left_out),
        _code("settings-file", f"%%writefile {SETTINGS}\n{settings_text(carried)}"),
    ]


def settings_text(settings: Mapping[str, Any]) -> str:
    """Settings as YAML that reads back the same, whatever characters stand in them."""
    record = json.loads(json.dumps(settings, default=str))
    text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True)
    # Characters that some programs take for the end of a line are written as escapes.
    plain = text.isprintable() or all(line.isprintable() for line in text.split("\n"))
    return text if plain else yaml.safe_dump(record, sort_keys=False, allow_unicode=False)


def _own_cells(words: Words, files: Mapping[str, str]) -> list[Cell]:
    if not files:
        return []
    cells = [
        _code(f"own-file-{number}", f"%%writefile {name}\n{_unix(text)}")
        for number, (name, text) in enumerate(files.items(), 1)
    ]
    return [_markdown("own-files", words("own")), *cells]


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _places(words: Words, places: _Places) -> list[Cell]:
    lines = []
    if places.root is not None:
        lines += [f"# {words('root_comment')}", f"DATA_ROOT = {places.root!r}"]
        lines += [f"# {words('download_comment')}", f"DOWNLOAD = {places.download}"]
    if places.weights is not None:
        lines += [f"# {words('weights_comment')}", f"WEIGHTS = {places.weights!r}"]
    return [_markdown("data", words("place")), _code("places", "\n".join(lines))] if lines else []


def _training(words: Words, places: _Places) -> list[Cell]:
    given = []
    if places.root is not None:
        given += ['f"data.root={json.dumps(DATA_ROOT)}"', 'f"data.download={json.dumps(DOWNLOAD)}"']
    if places.weights is not None:
        given.append('f"model.weights={json.dumps(WEIGHTS)}"')
    argument = f", [{', '.join(given)}]" if given else ""
    source = f"""
{"import json" if given else ""}
from pathlib import Path

from vyvod.experiment.run import train
from vyvod.experiment.settings import read_settings
from vyvod.terminal import Terminal

RUN = train(read_settings(Path("{SETTINGS}"){argument}), progress=Terminal(), command="vyvod train {SETTINGS}")
"""
    return [_markdown("training", words("train")), _code("train", source)]


def _results(words: Words) -> list[Cell]:
    tables = f"""
from vyvod.files import read_json
from vyvod.report.readme import escape
from vyvod.report.text import Words

words = Words({words.language!r})
scores = read_json(RUN / "scores.json")
classes = read_json(RUN / "run.json")["data"]["classes"]


def table(title, head, rows):
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    display(Markdown(f"**{{title}}**\\n\\n" + "\\n".join("| " + " | ".join(line) + " |" for line in lines)))


names = list(scores[list(scores)[-1]]["overall"])
table(
    {words("overall")!r},
    [{words("metric")!r}, *scores],
    [[words.metric(name), *(words.number(scores[split]["overall"].get(name)) for split in scores)] for name in names],
)
values = scores[list(scores)[-1]]["per_class"]
if values:
    table(
        {words("per_class")!r},
        [{words("class")!r}, *map(words.short_metric, values)],
        [
            [escape(label), *(words.number(column[place], 0 if name == "support" else 3) for name, column in values.items())]
            for place, label in enumerate(classes)
        ],
    )
"""
    return [
        _markdown("results", words("results"), words("loss")),
        _code("loss", 'from IPython.display import Image, Markdown, display\n\ndisplay(Image(RUN / "figures" / "loss.png"))'),
        _markdown("metrics", words("metrics")),
        _code("metric-curves", 'display(Image(RUN / "figures" / "metrics.png"))'),
        _markdown("examples", words("examples")),
        _code("example-images", 'display(Image(RUN / "figures" / "examples.png"))'),
        _markdown("values", words("values")),
        _code("tables", tables),
    ]  # fmt: skip


def _packing(words: Words) -> list[Cell]:
    source = """
import zipfile

archive = Path(f"{RUN.name}.zip")
with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
    for file in sorted(RUN.rglob("*")):
        if file.is_file() and not {"checkpoints", "wandb", "tensorboard"} & set(file.relative_to(RUN).parts):
            packed.write(file, file.relative_to(RUN.parent))
print(archive, f"{archive.stat().st_size / 1e6:.1f} MB")
try:
    from google.colab import files
except ImportError:
    from IPython.display import FileLink

    display(FileLink(str(archive)))
else:
    files.download(str(archive))
"""
    return [_markdown("pack", words("pack"), words("pack_lead")), _code("archive", source)]
