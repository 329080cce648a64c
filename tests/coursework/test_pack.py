"""A homework as a ZIP file: what is committed, under safe names, the same bytes each time."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from vyvod.coursework.pack import pack_homework
from vyvod.errors import UserError

ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "A"), ("EMAIL", "a@example.org"))
    },
    **{f"GIT_{who}_DATE": "2026-03-05T12:34:56+03:00" for who in ("AUTHOR", "COMMITTER")},
}


def git(folder, *words, data=None):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | ENVIRONMENT
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, env=environment, input=data)
    return done.stdout.decode().strip()


@pytest.fixture
def coursework(tmp_path):
    folder = tmp_path / "cv-course"
    git(tmp_path, "init", "-q", "-b", "main", str(folder))
    (folder / "coursework.yaml").write_text("name: Иванова-Петрова Анна\n", encoding="utf-8")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Begin")
    git(folder, "checkout", "-q", "-b", "homework_1")
    (folder / "README.md").write_text("# Домашнее задание 1\n", encoding="utf-8")
    (folder / "рисунки").mkdir()
    (folder / "рисунки" / "потери 1.png").write_bytes(bytes(range(256)))
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Homework")
    git(folder, "checkout", "-q", "main")
    return folder


def test_what_is_committed_without_a_checkout(coursework):
    told = pack_homework(coursework, 1, output=None)
    output = coursework / "homework_1_Иванова-Петрова_Анна.zip"
    assert told == [f"{output}: 3 files of homework_1 ({git(coursework, 'rev-parse', 'homework_1')[:8]}), 1 KiB."]
    with zipfile.ZipFile(output) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "homework_1/README.md",
            "homework_1/coursework.yaml",
            "homework_1/рисунки/потери 1.png",
        ]
        assert archive.read("homework_1/рисунки/потери 1.png") == bytes(range(256))
        assert {entry.date_time for entry in archive.infolist()} == {(2026, 3, 5, 9, 34, 56)}
    assert git(coursework, "branch", "--show-current") == "main"
    assert not (coursework / "README.md").exists()


def test_the_same_commit_gives_the_same_bytes_and_replaces_its_archive(coursework):
    output = coursework / "out" / "a.zip"
    pack_homework(coursework, 1, output=output)
    first = output.read_bytes()
    pack_homework(coursework, 1, output=output)
    assert output.read_bytes() == first


def test_files_of_others_stay(coursework):
    output = coursework / "a.zip"
    for text in (b"no zip", None):
        if text is None:
            with zipfile.ZipFile(output, "w") as archive:
                archive.writestr("a", "b")
        else:
            output.write_bytes(text)
        before = output.read_bytes()
        with pytest.raises(UserError, match="not made by this command"):
            pack_homework(coursework, 1, output=output)
        assert output.read_bytes() == before


def test_no_such_branch(coursework, tmp_path):
    with pytest.raises(UserError, match=r"no branch homework_2\. There are homework_1\."):
        pack_homework(coursework, 2, output=None)
    git(coursework, "branch", "-m", "homework_1", "homewor_1")
    with pytest.raises(UserError, match=r"There are homewor_1, main\."):
        pack_homework(coursework, 1, output=None)
    with pytest.raises(UserError, match="not a git repository"):
        pack_homework(tmp_path, 1, output=None)
    git(tmp_path, "init", "-q", "empty")
    with pytest.raises(UserError, match="no branches yet"):
        pack_homework(tmp_path / "empty", 1, output=None)


def test_what_is_not_committed_is_told(coursework):
    git(coursework, "checkout", "-q", "homework_1")
    (coursework / "README.md").write_text("new", encoding="utf-8")
    (coursework / "новый.py").write_text("1", encoding="utf-8")
    for _ in range(2):
        told = " ".join(pack_homework(coursework, 1, output=None))
        assert "Not committed, so not in the ZIP file: README.md, новый.py." in told
    with zipfile.ZipFile(next(coursework.glob("*.zip"))) as archive:
        assert archive.read("homework_1/README.md").decode() == "# Домашнее задание 1\n"


def test_what_the_student_never_commits_is_not_told(coursework, tmp_path, monkeypatch):
    (tmp_path / "ignored").write_text(".DS_Store\n", encoding="utf-8")
    (tmp_path / "gitconfig").write_text(f"[core]\nexcludesFile = {tmp_path / 'ignored'}\n", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    git(coursework, "checkout", "-q", "homework_1")
    (coursework / ".DS_Store").touch()
    assert len(pack_homework(coursework, 1, output=None)) == 1


def test_a_work_tree_that_git_cannot_compare_is_packed_all_the_same(coursework):
    git(coursework, "checkout", "-q", "homework_1")
    (coursework / ".git" / "index").write_bytes(b"broken")
    told = pack_homework(coursework, 1, output=None)
    assert "could not be found out" in told[-1]
    assert len(list(coursework.glob("*.zip"))) == 1


@pytest.mark.parametrize(("seconds", "year"), [("0", 1980), ("4102444800", 2100), ("9000000000", 1980)])
def test_times_that_an_archive_cannot_hold(coursework, monkeypatch, seconds, year):
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setitem(ENVIRONMENT, f"GIT_{who}_DATE", f"@{seconds} +0000")
    git(coursework, "checkout", "-q", "homework_1")
    git(coursework, "commit", "-q", "--allow-empty", "-m", "Odd")
    pack_homework(coursework, 1, output=coursework / "a.zip")
    with zipfile.ZipFile(coursework / "a.zip") as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {year}


def tree(folder, lines):
    """Commit a tree that git itself would not make."""
    made = git(folder, "mktree", "-z", data=b"".join(line + b"\0" for line in lines))
    git(folder, "update-ref", "refs/heads/homework_3", git(folder, "commit-tree", made, "-m", "Hostile"))


def test_hostile_trees(coursework, tmp_path):
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    blob = git(coursework, "hash-object", "-w", "--stdin", data=b"text").encode()
    link = git(coursework, "hash-object", "-w", "--stdin", data=b"../secret").encode()
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    lfs = git(coursework, "hash-object", "-w", "--stdin", data=pointer).encode()
    head = git(coursework, "rev-parse", "main").encode()
    names = [b"README.md", b"readme.md", b"a\\..\\b", b"c:d", b"con.txt", b"\xff\xfe", b"line\nbreak", b"dot."]
    tree(
        coursework,
        [
            *(b"100644 blob " + blob + b"\t" + name for name in names),
            b"120000 blob " + link + b"\tlink",
            b"160000 commit " + head + b"\tmodule",
            b"100644 blob " + lfs + b"\tbest.pt",
        ],
    )
    told = " ".join(pack_homework(coursework, 3, output=tmp_path / "h.zip"))
    with zipfile.ZipFile(tmp_path / "h.zip") as archive:
        found = archive.namelist()
        assert b"secret" not in b"".join(map(archive.read, found))
        archive.extractall(tmp_path / "unpacked")
    assert len(found) == len({name.casefold() for name in found}) == 9
    assert all(name.startswith("homework_3/") and not set(name) & set('\\:*?"<>|\n') for name in found)
    assert {"homework_3/_con.txt", "homework_3/c_d", "homework_3/dot_", "homework_3/readme (2).md"} <= set(found)
    assert "(symbolic links): link." in told
    assert "(submodules): module." in told
    assert "only a pointer: best.pt." in told
    assert "\n" not in told


@pytest.mark.parametrize("text", ["name: 3", "- a", "name: [", "\x00", "name: ../../etc"])
def test_the_name_of_the_archive(coursework, text):
    git(coursework, "checkout", "-q", "homework_1")
    (coursework / "coursework.yaml").write_text(text, encoding="utf-8")
    git(coursework, "commit", "-q", "-am", "Odd")
    git(coursework, "checkout", "-q", "main")
    pack_homework(coursework, 1, output=None)
    name = next(coursework.glob("*.zip")).name
    assert name == ("homework_1_etc.zip" if "etc" in text else "homework_1_Иванова-Петрова_Анна.zip")


def test_a_bare_clone(coursework, tmp_path):
    git(tmp_path, "clone", "-q", "--bare", str(coursework), "bare.git")
    pack_homework(tmp_path / "bare.git", 1, output=tmp_path / "bare.zip")
    pack_homework(coursework, 1, output=tmp_path / "work.zip")
    assert (tmp_path / "bare.zip").read_bytes() == (tmp_path / "work.zip").read_bytes()


def test_torch_is_not_loaded():
    code = "import sys, vyvod.coursework.pack; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parent
    )
    assert done.stdout.strip() == "False"
