"""Repositories of all forms, and repositories that are meant to do harm."""

import hashlib
import json
import os
import re
import shutil
import time
import unicodedata
from datetime import UTC
from pathlib import Path

import pytest
from tests.coursework.handed_in import (
    RUSSIAN,
    begin,
    branch,
    code_cell,
    commit,
    git,
    homework,
    notebook,
    picture,
    state,
)

from vyvod.coursework import repository as reading
from vyvod.coursework.check.checking import CheckedRepository, check_all
from vyvod.coursework.check.listing import write_csv, write_json
from vyvod.coursework.repository import Repository, RepositoryError

POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return branch(begin(tmp_path / "student"), "homework_1", homework())


def checked(folder: Path) -> CheckedRepository:
    (one,) = check_all([folder])
    return one


def failed(one: CheckedRepository) -> set[str]:
    assert one.error is None
    return {finding.requirement for finding in one.findings if finding.status == "fail"}


def test_every_form_of_a_clone_is_read_alike(folder: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "student", "clone")  # homework_1 is only origin/homework_1
    git(tmp_path, "clone", "-q", "--bare", "student", "bare.git")
    git(folder, "worktree", "add", "-q", str(tmp_path / "beside"), "homework_1")
    git(tmp_path / "clone", "checkout", "-q", "--detach")
    expected = {"main", "homework_1"}
    for path in (folder, tmp_path / "clone", tmp_path / "bare.git", tmp_path / "beside", folder / "img"):
        path.mkdir(exist_ok=True)
        repository = Repository.open(path)
        assert set(repository.branches()) == expected
        assert repository.main() == "main"
        assert repository.tree("homework_1").read("README.md") == RUSSIAN.encode()
        assert failed(checked(path)) == set()
    assert Repository.open(tmp_path / "bare.git").name == "bare"
    assert Repository.open(tmp_path / "clone").remote() == str(tmp_path / "student")
    assert Repository.open(tmp_path / "clone").head() is None
    assert Repository.open(folder).remote() is None
    assert Repository.open(folder).head() == "main"


def test_a_clone_without_contents_fetches_nothing(folder: Path, tmp_path: Path) -> None:
    git(folder, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{folder}", "partial")
    before = state(tmp_path / "partial")
    tree = Repository.open(tmp_path / "partial").tree("homework_1")
    assert "README.md" in tree.entries
    assert tree.read("README.md") is None
    assert "readme" in failed(checked(tmp_path / "partial"))
    assert state(tmp_path / "partial") == before


def test_local_branches_come_before_those_of_origin(folder: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "student", "clone")
    clone = tmp_path / "clone"
    git(clone, "checkout", "-q", "homework_1")
    commit(clone, {"more.txt": "x"})
    assert "more.txt" in Repository.open(clone).tree("homework_1").entries


def test_the_main_branch_may_be_master_or_what_head_names(tmp_path: Path) -> None:
    assert Repository.open(begin(tmp_path / "a", main="master")).main() == "master"
    assert Repository.open(begin(tmp_path / "b", main="trunk")).main() == "trunk"
    only = branch(begin(tmp_path / "c", main="homework_2"), "homework_1", homework())
    assert {"main-readme"} <= failed(checked(only))
    assert {finding.branch for finding in checked(only).findings} == {"(repository)", "homework_1", "homework_2"}


@pytest.mark.parametrize("kind", ["empty", "file", "no commit", "damaged"])
def test_what_is_no_repository_is_an_error_with_a_cure(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    path.mkdir()
    if kind == "no commit":
        git(path, "init", "-q")
    if kind == "damaged":
        begin(path)
        shutil.rmtree(path / ".git" / "objects")
        (path / ".git" / "objects").mkdir()
    (one,) = check_all([path]) if kind != "file" else check_all([_listed(tmp_path, __file__)])
    assert one.error is not None
    assert one.failed
    assert any(word in one.error for word in ("not a git repository", "no branch", "git fsck", "expected a folder"))


def _listed(folder: Path, *paths: str) -> Path:
    (folder / "list.txt").write_text("\n".join(paths), encoding="utf-8")
    return folder / "list.txt"


def test_without_git_there_is_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(RepositoryError, match="git is not installed"):
        Repository.open(folder)


def test_nothing_that_a_repository_names_is_run(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    script = tmp_path / "run.sh"
    script.write_text(f"#!/bin/sh\necho $0 >> {mark}\n", encoding="utf-8")
    script.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.sshCommand",
        "core.askPass",
        "core.alternateRefsCommand",
        "diff.external",
        "gpg.program",
        "filter.x.smudge",
        "filter.x.process",
        "diff.x.textconv",
        "credential.helper",
        "pager.ls-tree",
        "pager.config",
        "pager.for-each-ref",
        "remote.origin.uploadpack",
    ):
        git(folder, "config", key, str(script))
    for alias in ("ls-tree", "cat-file", "for-each-ref", "rev-parse"):
        git(folder, "config", f"alias.{alias}", f"!{script}")
    for hook in ("post-checkout", "post-index-change", "reference-transaction", "fsmonitor-watchman", "pre-auto-gc"):
        shutil.copy(script, folder / ".git" / "hooks" / hook)
    # A missing object of a "partial clone" is an order to fetch it, by a program that the repository names.
    for key, value in {
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": f"ext::{script}",
        "protocol.ext.allow": "always",
        "protocol.allow": "always",
        "core.repositoryformatversion": "1",
    }.items():
        git(folder, "config", key, value)
    (folder / ".git" / "info" / "attributes").write_text("* filter=x diff=x\n", encoding="utf-8")
    blob = git(folder, "rev-parse", "homework_1:README.md")
    (folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    mark.unlink(missing_ok=True)
    before = state(folder)
    one = checked(folder)
    assert "readme" in failed(one)
    assert not mark.exists()
    assert state(folder) == before


def test_the_environment_of_a_hook_does_not_lead_elsewhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = begin(tmp_path / "other", readme="# other\n")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert "homework_1" in Repository.open(folder).branches()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_somebody_else(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 12345, 12345, follow_symlinks=False)
    assert failed(checked(folder)) == set()


def test_links_are_never_followed(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text(RUSSIAN, encoding="utf-8")
    files = homework(**{"README.md": None, "requirements.txt": None, "img/loss.png": None})
    git(folder, "checkout", "-q", "--orphan", "homework_2")
    git(folder, "rm", "-q", "-r", "-f", ".")
    (folder / "README.md").symlink_to(secret)
    (folder / "requirements.txt").symlink_to("/etc/passwd")
    (folder / "img").mkdir(exist_ok=True)
    (folder / "img" / "loss.png").symlink_to("/etc/passwd")
    commit(folder, files)
    tree = Repository.open(folder).tree("homework_2")
    assert tree.entries["README.md"].kind == "link"
    assert tree.read("README.md") is None
    one = checked(folder)
    assert {"readme", "requirements"} <= failed(one)
    said = [finding for finding in one.findings if finding.branch == "homework_2"]
    assert any(finding.requirement == "files" and "symbolic link" in finding.found for finding in said)
    assert not any("root:" in finding.found for finding in said)


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "absent"])
def test_of_the_work_tree_only_a_plain_readme_is_read(folder: Path, tmp_path: Path, kind: str) -> None:
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    readme = folder / "README.md"
    readme.unlink()
    if kind == "link":
        readme.symlink_to(tmp_path / "secret")
    if kind == "pipe":
        os.mkfifo(readme)
    if kind == "folder":
        readme.mkdir()
    assert not Repository.open(folder).differs("README.md", b"other")
    assert not Repository.open(folder).differs("img/../../secret", b"other")
    assert failed(checked(folder)) == set()


def test_no_filter_is_run_over_what_is_not_committed(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    git(folder, "config", "filter.x.clean", f"touch {mark}; cat")
    (folder / ".gitattributes").write_text("* filter=x\n", encoding="utf-8")
    (folder / "README.md").write_text("changed", encoding="utf-8")
    one = checked(folder)
    assert "not committed" in next(each.found for each in one.findings if each.status == "unknown")
    assert not mark.exists()


def test_submodules_and_pointers_of_lfs_are_told(folder: Path, tmp_path: Path) -> None:
    files = homework(**{"img/loss.png": POINTER, "weights.pt": POINTER})
    branch(folder, "homework_2", files)
    commit_of_other = git(begin(tmp_path / "other"), "rev-parse", "HEAD")
    git(folder, "checkout", "-q", "homework_2")
    git(folder, "update-index", "--add", "--cacheinfo", f"160000,{commit_of_other},lib")
    git(folder, "commit", "-q", "-m", "submodule")
    one = checked(folder)
    assert failed(one) == {"figures", "files", "loss-curve"}
    told = {
        finding.status: finding
        for finding in one.findings
        if finding.requirement == "files" and finding.branch == "homework_2"
    }
    assert told["unknown"].place == "lib"
    assert told["fail"].place == "img/loss.png, weights.pt"
    assert Repository.open(folder).tree("homework_2").entries["lib"].kind == "submodule"


def test_a_repository_with_a_large_file_is_told_and_the_file_not_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = b"".join(hashlib.sha512(number.to_bytes(4, "big")).digest() for number in range(850_000))
    branch(folder, "homework_2", homework(**{"img/loss.png": large}))
    monkeypatch.setattr(reading.Repository, "blob", _no_large(reading.Repository.blob))
    begun = time.perf_counter()
    one = checked(folder)
    assert time.perf_counter() - begun < 5
    assert failed(one) == {"repository-size"}
    assert any(finding.requirement == "figure-links" and finding.status == "unknown" for finding in one.findings)


def _no_large(read):
    def guarded(repository, entry, limit):
        content = read(repository, entry, limit)
        assert content is None or len(content) <= limit < 100 * 2**20
        return content

    return guarded


def test_a_tree_that_names_billions_of_files_is_cut_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_LISTING_LIMIT", 2**20)
    oid = git(folder, "hash-object", "-w", "--stdin", stdin=b"x")
    line = "".join(f"100644 blob {oid}\tf{number}\n" for number in range(16))
    for _ in range(8):
        tree = git(folder, "mktree", stdin=line.encode())
        line = "".join(f"040000 tree {tree}\td{number}\n" for number in range(16))
    top = git(folder, "commit-tree", "-m", "x", git(folder, "mktree", stdin=line.encode()))
    git(folder, "update-ref", "refs/heads/homework_2", top)
    begun = time.perf_counter()
    tree_read = Repository.open(folder).tree("homework_2")
    assert time.perf_counter() - begun < 5
    assert not tree_read.complete
    assert "readme" in failed(checked(folder))


@pytest.mark.parametrize("name", ["мой файл.md", "'quoted\".md", "a\nb.md", "-rf.md", "$(touch x).md"])
def test_names_of_all_kinds(folder: Path, name: str) -> None:
    branch(folder, "homework_2", homework(**{name: "content"}))
    assert Repository.open(folder).tree("homework_2").read(name) == b"content"
    assert failed(checked(folder)) == set()


def test_a_name_in_decomposed_letters_is_found_by_its_link(folder: Path) -> None:
    name = "img/Ещё й.png"
    readme = RUSSIAN.replace("img/loss.png", "img/Ещё%20й.png")
    files = homework(readme, **{unicodedata.normalize("NFD", name): picture(9)})
    branch(folder, "homework_2", files)
    assert failed(checked(folder)) == set()


def test_a_branch_that_looks_like_an_option(folder: Path) -> None:
    with pytest.raises(RepositoryError, match="no such branch"):
        Repository.open(folder).tree("--help")


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    "content",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"cells": 5}',
        '{"cells": [5, null, {"cell_type": "code", "source": {"a": 1}, "outputs": 7}]}',
        '{"cells": [{"cell_type": "code", "source": [1, 2], "outputs": [{"data": {"image/png": 5}}, {"data": []}, 3]}]}',
        '{"cells": [{"cell_type": "markdown", "source": "![a](attachment:b)", "attachments": {"b": 3}}]}',
        '{"cells": [{"cell_type": "code", "source": "x", "outputs": [{"data": {"image/png": "!!!"}}]}]}',
        '{"worksheets": [{"cells": [{"cell_type": "code", "input": "x", "outputs": [{"png": "aGk="}]}]}, 4], "metadata": 4}',
        DEEP,
        '{"cells": ' + DEEP + "}",
        "\ud800".encode("utf-8", "surrogatepass"),
    ],
    ids=range(13),
)
def test_notebooks_of_any_shape_are_survived(folder: Path, content: str | bytes) -> None:
    branch(folder, "homework_2", homework(**{"a.ipynb": content}))
    one = checked(folder)
    assert failed(one) <= {"code", "figures"}
    assert not any("came to no end" in finding.found for finding in one.findings)


@pytest.mark.parametrize(
    "text",
    [
        "> " * 50_000,
        "[" * 200_000,
        "*a " * 100_000,
        "<a " * 60_000,
        "<!-- a\n" * 30_000,
        "|" * 100_000 + "\n" + "|-" * 50_000,
        "![a](" * 40_000,
        "# " * 100_000,
        "Эксперимент\n===\n" * 10_000,
        "**Цель:** x\n\n" * 15_000,
        "1,2 классы F1 " * 15_000,
        "Аа Бб " * 30_000,
        "a|b\n-|-\n" + "F1|1\n" * 20_000,
        "\0" * 1000,
        "<table>" * 20_000,
        "map" + "\u00a0" * 3900 + "x",
        "# Прочее\n\n" + "я\n\n" * 60_000,
        ("класс" * 4000 + "\n\n") * 10,
        ("Аа" * 10_000 + "\n\n") * 10,
        ("1" + "-" * 19_000 + "x\n\n") * 10,
    ],
    ids=range(20),
)
def test_readmes_that_are_meant_to_take_time(folder: Path, text: str) -> None:
    branch(folder, "homework_2", homework(RUSSIAN + "\n\n" + text))
    git(folder, "checkout", "-q", "main")
    commit(folder, {"README.md": text})
    begun = time.perf_counter()
    one = checked(folder)
    assert time.perf_counter() - begun < 12
    assert not any("came to no end" in finding.found for finding in one.findings)
    assert one.error is None


def test_an_output_of_empty_lines_takes_a_moment(folder: Path) -> None:
    book = notebook(*[code_cell("report()", text="precision" + "\n" * 90_000)] * 3)
    branch(folder, "homework_2", homework(**{"a.ipynb": book}))
    begun = time.perf_counter()
    assert failed(checked(folder)) == set()
    assert time.perf_counter() - begun < 12


def test_thousands_of_classes_take_a_moment(folder: Path) -> None:
    for number, classes in ((2, 2000), (3, 3000)):
        names = [f"класс {at}" for at in range(classes)]
        run = {"task": "classification", "data": {"classes": names}}
        table = "| Класс | Precision | Recall | F1 |\n|--|--|--|--|\n" + "".join(
            f"| {one} | 1 | 1 | 1 |\n" for one in names
        )
        files = homework(f"{RUSSIAN}\n\n{table}", **{"results/a/run.json": json.dumps(run)})
        branch(folder, f"homework_{number}", files)
    begun = time.perf_counter()
    one = checked(folder)
    assert time.perf_counter() - begun < 15
    # What is no run of ours says nothing about the classes.
    counts = [finding for finding in one.findings if finding.requirement == "task-class-count"]
    assert [(finding.branch, finding.status) for finding in counts] == [
        ("homework_1", "pass"),
        ("homework_2", "fail"),
        ("homework_3", "pass"),
    ]


def test_half_a_letter_does_not_take_the_report_of_the_class(folder: Path, tmp_path: Path) -> None:
    run = {"task": "classification", "data": {"classes": ["cat", "\ud800"]}}
    branch(folder, "homework_2", homework(**{"results/a/run.json": json.dumps(run)}))
    one = checked(folder)
    assert any("\ud800" in finding.found for finding in one.findings)
    error = CheckedRepository("\udcff", tmp_path / "\udcff", error="no \udcff")
    write_json(tmp_path / "all.json", [one, error])
    write_csv(tmp_path / "all.csv", [one, error])
    record = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert len(record["repositories"][0]["findings"]) == len(one.findings)
    assert record["repositories"][1]["failed"]


@pytest.mark.parametrize("where", ["{other}", "/nonexistent"])
def test_a_work_tree_elsewhere_changes_nothing(folder: Path, tmp_path: Path, where: str) -> None:
    other = begin(tmp_path / "other", readme="# other\n")
    git(folder, "config", "core.worktree", where.format(other=other))
    repository = Repository.open(folder)
    assert repository.path == folder
    assert "homework_1" in repository.branches()
    assert repository.tree("main").read("README.md") != b"# other\n"
    assert failed(checked(folder)) == set()


def test_when_a_commit_was_made(folder: Path) -> None:
    repository = Repository.open(folder)
    seconds = git(folder, "log", "-1", "--format=%ct", "homework_1")
    moment = repository.committed_at(repository.branches()["homework_1"])
    assert (moment.timestamp(), moment.tzinfo) == (int(seconds), UTC)
    record = git(folder, "cat-file", "commit", "main")
    names = "committer A <a> 5 +0000"  # in the message, which names no time
    text = re.sub(r"(?m)^(committer .*>) \d+", r"\1 99999999999999", record, count=1) + f"\n\n{names}"
    strange = git(folder, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=text.encode())
    assert repository.committed_at(strange).year == 1970
    for name in ("0" * 40, "--help", git(folder, "rev-parse", "main:README.md")):
        with pytest.raises(RepositoryError, match="no commit"):
            repository.committed_at(name)


def test_hostile_records_of_runs_are_survived(folder: Path) -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{letter}: &{letter} [*{before}, *{before}]\n" for before, letter in zip("abcdefgh", "bcdefghi", strict=True)
    )
    for number, record in enumerate(
        (DEEP, '{"data": []}', '{"task": ["x"], "data": {"classes": [[1], {}]}}', "nonsense"), start=2
    ):
        files = homework(
            **{"results/a/run.json": record, "coursework.yaml": bomb, "homework.yaml": "!!python/object:os.system x"}
        )
        branch(folder, f"homework_{number}", files)
    one = checked(folder)
    assert one.error is None
    assert not any("came to no end" in finding.found for finding in one.findings)


def test_a_picture_of_many_pixels_is_not_decoded(folder: Path) -> None:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(file, format="PNG")
    branch(folder, "homework_2", homework(**{"img/loss.png": file.getvalue()}))
    one = checked(folder)
    assert failed(one) == set()
    assert any(
        finding.requirement == "figures" and "larger than can be shown" in finding.found for finding in one.findings
    )


def test_an_svg_that_expands_or_reads_files(folder: Path) -> None:
    bomb = '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]><svg><text>&b;&x;</text></svg>'
    readme = RUSSIAN.replace("img/loss.png", "img/loss.svg")
    branch(folder, "homework_2", homework(readme, **{"img/loss.svg": bomb}))
    assert failed(checked(folder)) == {"figures", "loss-curve"}
    branch(
        folder,
        "homework_3",
        homework(readme, **{"img/loss.svg": '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0L1 1"/></svg>'}),
    )
    assert {finding.branch for finding in checked(folder).findings if finding.status == "fail"} == {"homework_2"}


def test_a_cell_cannot_command_the_terminal(folder: Path) -> None:
    from vyvod.coursework.check.listing import lines

    branch(folder, "homework_2", homework(RUSSIAN, **{"requirements.txt": "evil\x1b]0;x\x07==1\nnumpy\x1b[2J\n"}))
    assert "\x1b" not in "\n".join(lines([checked(folder)], verbose=True))


def test_a_notebook_with_forty_thousand_cells(folder: Path) -> None:
    book = json.loads(notebook(*[code_cell("x = 1")] * 40_000))
    branch(folder, "homework_2", homework(**{"a.ipynb": json.dumps(book)}))
    begun = time.perf_counter()
    assert failed(checked(folder)) == set()
    assert time.perf_counter() - begun < 8
