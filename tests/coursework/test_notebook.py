"""The notebook: valid, the same bytes each time, closed cells, and executed for real."""

import json
import os
import subprocess
from pathlib import Path

import nbformat
import pytest
import yaml

from vyvod.coursework.links import colab_link, github, kaggle_link
from vyvod.coursework.notebook import (
    build,
    installed_requirements,
    rendered,
    write_notebook,
)
from vyvod.coursework.notebook_cells import settings_text
from vyvod.errors import UserError

SETTINGS = {
    "data": {"name": "fashion-mnist-mini", "limit": 300},
    "model": {"name": "plain", "width": 8},
    "training": {"epochs": 1, "batch_size": 50, "threads": 1},
    "tracking": [],
    "report": {"language": "ru"},
}


def built(settings=SETTINGS, **changes):
    given = {
        "title": "Plain",
        "requirements": ["numpy==2.0.0", "vyvod==0.1.0"],
        "language": "en",
        "repository": None,
        "branch": None,
        "path": "homework_1.ipynb",
    }
    return build(settings, **(given | changes))


def cell(notebook, name):
    return next("".join(each["source"]) for each in notebook["cells"] if each["id"] == name)


def check_valid(notebook):
    nbformat.validate(nbformat.reads(rendered(notebook), as_version=4))


@pytest.mark.parametrize("language", ["ru", "en"])
def test_it_is_valid_and_always_the_same(language):
    notebook = built(language=language)
    check_valid(notebook)
    assert rendered(notebook) == rendered(built(language=language))
    names = [each["id"] for each in notebook["cells"]]
    assert len(set(names)) == len(names)
    russian = "Результаты обучения" in rendered(notebook)
    assert russian == (language == "ru")


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/anna/course-work",
        "https://github.com/anna/course-work.git",
        "https://github.com/anna/course-work/",
        "https://anna:ghp_secret@github.com/anna/course-work.git",
        "https://ghp_secret@github.com/anna/course-work",
        "git@github.com:anna/course-work.git",
        "git@github.com:anna/course-work",
        "ssh://git@github.com/anna/course-work.git",
        "ssh://git@github.com:22/anna/course-work.git",
    ],
)
def test_badges_for_every_form_of_the_address(address):
    notebook = built(repository=address, branch="homework_1")
    page = "anna/course-work/blob/homework_1/homework_1.ipynb"
    assert f"(https://colab.research.google.com/github/{page})" in cell(notebook, "title")
    assert f"(https://kaggle.com/kernels/welcome?src=https://github.com/{page})" in cell(notebook, "title")
    assert "secret" not in rendered(notebook)


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "https://gitlab.com/anna/course",
        "https://github.com.evil.example/anna/course",
        "https://evil.example/github.com/anna/course",
        "https://github.com/anna/course)[x](http://evil.example",
        "https://github.com/anna/..",
        "../course",
        "https://evil.example#@github.com/anna/course",
    ],
)
def test_no_badges_elsewhere(address):
    assert github(address) is None
    assert "colab.research" not in cell(built(repository=address, branch="main"), "title")


def test_names_in_links_are_quoted():
    link = colab_link("git@github.com:a/b.git", "дом (1)", "Папка 1/a) b.ipynb")
    assert link == (
        "https://colab.research.google.com/github/a/b/blob/%D0%B4%D0%BE%D0%BC%20%281%29/"
        "%D0%9F%D0%B0%D0%BF%D0%BA%D0%B0%201/a%29%20b.ipynb"
    )
    assert kaggle_link("git@github.com:a/b.git", None, "a.ipynb") is None


def test_only_exact_versions_are_installed():
    hostile = [
        'x=={__import__("os")}',
        "-r /etc/passwd",
        '"; import os',
        "torch>=2",
        "a==1 --index-url http://evil.example",
    ]
    lines = [
        "# comment",
        "numpy==2.4.6  # why",
        "Torch == 2.15.0+cu132",
        "own @ git+https://me:token@example.org/own.git",
        *hostile,
    ]
    source = cell(built(requirements=lines), "install")
    assert "'numpy': '2.4.6'" in source
    assert "'Torch': '2.15.0'" in source
    assert "'own': 'git+https://example.org/own.git'" in source
    assert not any(word in source for word in ("token", "passwd", "evil", "__import__", ">=2"))


HOSTILE = "x\"'''\n%%bash\n!touch broken\n\u2028\u0085{1/0}$HOME\\"


def test_no_text_leaves_its_cell():
    settings = SETTINGS | {
        "name": HOSTILE,
        "data": {"name": "fashion-mnist-mini", "root": "/srv/" + HOSTILE.replace("/", "")},
        "model": {"name": "plain", "weights": "/srv/" + HOSTILE.replace("/", "")},
    }
    notebook = built(settings, title=HOSTILE, repository="git@github.com:a/b", branch=HOSTILE, path=HOSTILE)
    check_valid(notebook)
    for each in notebook["cells"]:
        source = "".join(each["source"])
        if each["cell_type"] == "code" and not source.startswith("%%writefile"):
            lines = source.replace("%pip", "pip #").split("\n")
            compile("\n".join(lines), each["id"], "exec")
            assert not any(line.startswith(("%", "!")) for line in lines)
    magic, _, body = cell(notebook, "settings-file").partition("\n")
    assert magic == "%%writefile settings.yaml"
    assert yaml.safe_load(body)["name"] == HOSTILE
    assert all(line.isprintable() for line in body.split("\n"))
    assert cell(notebook, "title").split("\n\n")[0].count("\n") == 0


def test_settings_read_back():
    record = {"name": HOSTILE, "о": "датасет", "number": 1e-3, "none": None, "list": [1, "2"]}
    assert yaml.safe_load(settings_text(record)) == record
    assert "датасет" in settings_text({"name": "датасет"})


def test_own_files_are_carried(tmp_path):
    own = tmp_path / "my net {x}.py"
    own.write_text('"""Mine."""\nTASKS = ("classification",)\ns = """\n%%bash\n"""\n', encoding="utf-8")
    notebook = built(
        {"data": "./a/same.py", "model": {"name": str(own), "width": 3}}, sources={"./a/same.py": "TASKS = ()\n"}
    )
    check_valid(notebook)
    assert cell(notebook, "own-file-1") == "%%writefile same.py\nTASKS = ()"
    assert cell(notebook, "own-file-2") == "%%writefile own_model.py\n" + own.read_text(encoding="utf-8").strip("\n")
    settings = yaml.safe_load(cell(notebook, "settings-file").partition("\n")[2])
    assert settings == {"data": {"name": "./same.py"}, "model": {"name": "./own_model.py", "width": 3}}
    with pytest.raises(UserError, match=r"absent\.py"):
        built({"model": str(tmp_path / "absent.py")})


def test_what_lies_elsewhere_is_asked_for():
    notebook = built(
        {
            "folder": "/srv/runs",
            "data": {"name": "voc", "root": "/srv/anna/voc"},
            "model": {"name": "unet", "weights": "../runs/first"},
            "tracking": ["tensorboard", "wandb"],
        }
    )
    assert "DATA_ROOT = 'voc'" in cell(notebook, "places")
    assert "WEIGHTS = 'first'" in cell(notebook, "places")
    assert "data.root=" in cell(notebook, "train")
    assert "/srv" not in rendered(notebook)
    assert "W&B" in cell(notebook, "settings")
    assert "'wandb'" not in rendered(notebook)
    assert all(each["id"] != "places" for each in built()["cells"])


def test_weights_of_another_run_are_trained_first():
    first = {**SETTINGS, "name": "auto", "data": {"name": "voc", "root": "/srv/anna/voc"}}
    second = {**SETTINGS, "name": "next", "data": {"name": "voc", "root": "/srv/other"}}
    second["model"] = {"name": "plain", "weights": "runs/auto"}
    main = SETTINGS | {"data": first["data"], "model": {"name": "plain", "weights": "runs/next"}}
    notebook = built(main, first=[first, second])
    check_valid(notebook)
    records = [yaml.safe_load(cell(notebook, f"first-settings-{n}").partition("\n")[2]) for n in (1, 2)]
    assert [record["name"] for record in records] == ["auto", "next"]
    assert "root" not in records[0]["data"]  # asked for above
    assert records[1]["data"]["root"] == "other"
    assert records[1]["model"]["weights"] == "runs/auto"
    lines = cell(notebook, "train").splitlines()
    begins = lines.index("if not Path(WEIGHTS).exists():")
    assert 'first_1.yaml"), [f"data.root=' in lines[begins + 1]
    assert 'first_2.yaml")), progress' in lines[begins + 2]
    compile("\n".join(lines), "train", "exec")
    assert "/srv" not in rendered(notebook)


def test_own_files_of_one_name_in_several_trainings():
    texts = {"./a/net.py": "A = 1\n", "./b/net.py": "B = 1\n"}
    main = {"model": {"name": "./a/net.py", "weights": "runs/x"}}
    notebook = built(main, sources=texts, first=[{"model": "./b/net.py"}, {"model": "./a/net.py"}])
    records = [yaml.safe_load(cell(notebook, f"first-settings-{n}").partition("\n")[2]) for n in (1, 2)]
    assert [record["model"]["name"] for record in records] == ["./own_model.py", "./net.py"]


@pytest.fixture
def coursework(tmp_path, monkeypatch):
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    subprocess.run(["git", "init", "-q", "-b", "homework_1", str(tmp_path)], check=True)
    subprocess.run(
        ["git", "-C", str(tmp_path), "remote", "add", "origin", "https://anna:secret@github.com/anna/cv.git"],
        check=True,
    )
    (tmp_path / "baseline.yaml").write_text(yaml.safe_dump(SETTINGS), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_written_beside_the_settings(coursework):
    told = write_notebook(Path(), None, output=Path("notebooks/first.ipynb"))
    text = Path("notebooks/first.ipynb").read_text(encoding="utf-8")
    nbformat.validate(nbformat.reads(text, as_version=4))
    assert "github/anna/cv/blob/homework_1/notebooks/first.ipynb" in text
    assert "secret" not in text
    assert str(coursework) not in text
    assert any("github.com/anna/cv" in sentence for sentence in told)
    assert "'torch':" in cell(json.loads(text), "install")


def test_requirements_and_settings_of_a_run(coursework, finished_run):
    write_notebook(Path(), finished_run, output=Path("run.ipynb"))
    notebook = json.loads(Path("run.ipynb").read_text(encoding="utf-8"))
    recorded = (finished_run / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert cell(notebook, "install").count("': '") == len([line for line in recorded if not line.startswith("vyvod==")])
    assert str(finished_run.parent) not in json.dumps(notebook)


def test_a_changed_notebook_is_left_alone(coursework):
    file = Path("n.ipynb")
    write_notebook(Path(), None, output=file)
    ran = json.loads(file.read_text(encoding="utf-8"))
    ran["cells"][2]["execution_count"] = 1
    file.write_text(json.dumps(ran), encoding="utf-8")
    write_notebook(Path(), None, output=file)
    ran["cells"][0]["source"] = ["# My own"]
    for text in (json.dumps(ran), "no notebook", "[]", '{"metadata": {"vyvod": 3}}'):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match="left alone"):
            write_notebook(Path(), None, output=file)
        assert file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("settings", "output", "told"),
    [
        ("absent.yaml", "a.ipynb", "does not exist"),
        (".", "a.ipynb", "not a run folder"),
        ("baseline.yaml", "a.txt", "ipynb"),
        ("wrong.yaml", "a.ipynb", "modle"),
    ],
)
def test_mistakes(coursework, settings, output, told):
    Path("wrong.yaml").write_text("modle: resnet\n", encoding="utf-8")
    with pytest.raises(UserError, match=told):
        write_notebook(Path(), Path(settings), output=Path(output))


def test_without_settings(tmp_path):
    with pytest.raises(UserError, match=r"baseline\.yaml does not exist"):
        write_notebook(tmp_path, None, output=tmp_path / "a.ipynb")


def test_it_runs(tmp_path, monkeypatch):
    import nbclient

    for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    hostile = SETTINGS | {"name": "a 'b' \"c\" {1/0} $HOME"}
    notebook = build(
        hostile,
        title="Опыт",
        requirements=installed_requirements(),
        language="ru",
        repository=None,
        branch=None,
        path="n",
    )
    ran = nbformat.reads(rendered(notebook), as_version=4)
    place = tmp_path / "place"
    place.mkdir()
    nbclient.NotebookClient(
        ran, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(place)}}
    ).execute()
    outputs = {each["id"]: each.get("outputs", []) for each in ran["cells"]}
    for name in ("loss", "metric-curves", "example-images"):
        assert any("image/png" in output.get("data", {}) for output in outputs[name]), name
    tables = "".join(output["data"]["text/markdown"] for output in outputs["tables"])
    assert "По всем классам" in tables
    assert tables.count("\n| ") > 20
    assert "Ankle boot" in tables
    assert not any("pip" in str(output) for output in outputs["install"])
    archives = list(place.glob("*.zip"))
    assert len(archives) == 1
    assert not (place / "broken").exists()
