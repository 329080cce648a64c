"""The cells of the notebook, part by part.

What comes from a person (settings, names, sources) stands either in the body of ``%%writefile``, which IPython hands on as it is,
or in Python literals: no text can leave its cell.
"""

import json
import re
from collections.abc import Mapping, Sequence
from string import Template
from typing import Any
from urllib.parse import urlsplit

import yaml
from packaging.requirements import InvalidRequirement, Requirement

from vyvod import __version__
from vyvod.coursework.notebook_texts import Words
from vyvod.coursework.places import Places
from vyvod.report.readme import escape

Cell = dict[str, Any]

SETTINGS = "settings.yaml"
"""What the notebook writes its settings to."""
_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*===?\s*(?P<version>[A-Za-z0-9][A-Za-z0-9.!_-]*)(\+[A-Za-z0-9.]+)?"
)
_INSTALL = Template('''
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
            found.append(f"{name} @ {version}" if address else f"{name}=={version}")
    return found


# $install_comment
PINS = {
$listing}
# $vyvod_comment
VYVOD = {"vyvod": $program}

if missing := differing(PINS):
    arguments = " ".join(f'"{line}"' for line in missing)
    %pip install --quiet {arguments}
if missing := differing(VYVOD):
    wheels = sorted(map(str, Path().glob("vyvod-*.whl")))
    folder = VYVOD["vyvod"] if Path(VYVOD["vyvod"]).is_dir() else None
    argument = folder or (wheels[-1] if wheels else missing[0])
    %pip install --quiet "{argument}"

try:
    metadata.version("vyvod")
except metadata.PackageNotFoundError:
    raise RuntimeError($vyvod_absent) from None
if missing := differing({**PINS, **VYVOD}):
    print($differs + ", ".join(missing))
    print($restart)
''')


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


def beginning(words: Words, title: str, colab: str | None, kaggle: str | None) -> list[Cell]:
    """Title, badges with these addresses, and what the notebook is."""
    badges = []
    if colab and kaggle:
        badges = [
            f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab}) "
            f"[![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)]({kaggle})"
        ]
    heading = f"# {escape(' '.join(title.split()))}"
    return [_markdown("title", heading, *badges, words("intro"), words("gpu"))]


def pin(line: str) -> tuple[str, str] | None:
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


def installation(words: Words, requirements: Sequence[str]) -> list[Cell]:
    """What brings the libraries into the recorded versions."""
    pins = dict(found for found in map(pin, requirements) if found is not None)
    program = pins.pop("vyvod", __version__)
    source = _INSTALL.substitute(
        listing="".join(f"    {name!r}: {version!r},\n" for name, version in pins.items()),
        program=repr(program),
        **{key: words(key) for key in ("install_comment", "vyvod_comment")},
        **{key: repr(words(key)) for key in ("vyvod_absent", "differs", "restart")},
    )
    return [_markdown("libraries", words("install")), _code("install", source)]


def settings_file(words: Words, carried: Mapping[str, Any], *, tracked: bool) -> list[Cell]:
    """The file of settings; ``tracked``: they had W&B, which was left out."""
    left_out = [words("no_wandb")] if tracked else []
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


def own_sources(words: Words, files: Mapping[str, str]) -> list[Cell]:
    """Own files that the settings name: name -> text."""
    if not files:
        return []
    cells = [
        _code(f"own-file-{number}", f"%%writefile {name}\n{_unix(text)}")
        for number, (name, text) in enumerate(files.items(), 1)
    ]
    return [_markdown("own-files", words("own")), *cells]


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def first_settings(words: Words, records: Sequence[Mapping[str, Any]]) -> list[Cell]:
    """The settings of the trainings that come first."""
    cells = [
        _code(f"first-settings-{number}", f"%%writefile {_first_file(number)}\n{settings_text(record)}")
        for number, record in enumerate(records, 1)
    ]
    return [_markdown("first", words("first")), *cells] if cells else []


def _first_file(number: int) -> str:
    return f"first_{number}.yaml"


def places_here(words: Words, places: Places, *, first: bool = False) -> list[Cell]:
    """What has to be said anew on each machine; ``first``: other trainings make the weights where they are not there."""
    lines = []
    if places.root is not None:
        lines += [f"# {words('root_comment')}", f"DATA_ROOT = {places.root!r}"]
        lines += [f"# {words('download_comment')}", f"DOWNLOAD = {places.download}"]
    if places.weights is not None:
        comment = words("weights_first_comment" if first else "weights_comment")
        lines += [f"# {comment}", f"WEIGHTS = {places.weights!r}"]
    return [_markdown("data", words("place")), _code("places", "\n".join(lines))] if lines else []


def training(words: Words, places: Places, *, first: Sequence[bool] = ()) -> list[Cell]:
    """The training itself; where its weights are not there, others come first, and ``first`` says which share its images."""
    given = []
    if places.root is not None:
        given += ['f"data.root={json.dumps(DATA_ROOT)}"', 'f"data.download={json.dumps(DOWNLOAD)}"']
    of_data = f", [{', '.join(given)}]" if given else ""
    files = {_first_file(number): of_data if shared else "" for number, shared in enumerate(first, 1)}
    before = "".join(
        f'    train(read_settings(Path("{file}"){changes}), progress=Terminal(), command="vyvod train {file}")\n'
        for file, changes in files.items()
    )
    if places.weights is not None:
        given.append('f"model.weights={json.dumps(WEIGHTS)}"')
    argument = f", [{', '.join(given)}]" if given else ""
    source = f"""
{"import json" if given else ""}
from pathlib import Path

from vyvod.experiment.run import train
from vyvod.experiment.settings import read_settings
from vyvod.terminal import Terminal
{f"{chr(10)}if not Path(WEIGHTS).exists():{chr(10)}{before}" if first else ""}
RUN = train(read_settings(Path("{SETTINGS}"){argument}), progress=Terminal(), command="vyvod train {SETTINGS}")
"""
    return [_markdown("training", words("train")), _code("train", source)]


def results(words: Words) -> list[Cell]:
    """Curves, examples and values."""
    tables = f"""
from vyvod.files import read_json
from vyvod.report.readme import escape
from vyvod.report.text import Words

words = Words({words.language!r})
scores = read_json(RUN / "scores.json")
record = read_json(RUN / "run.json")
classes = record["data"]["classes"]


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
        [
            {words("class")!r},
            *(words.say("hw_support_" + record["task"]) if name == "support" else words.short_metric(name) for name in values),
        ],
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


def packing(words: Words) -> list[Cell]:
    """The run as an archive."""
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
