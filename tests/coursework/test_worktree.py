"""Writing with git: what is refused, and that nothing is lost."""

from pathlib import Path

import pytest
from tests.coursework.begun import git, identity, refs

from vyvod.coursework.worktree import _OF_ANOTHER, Worktree, WorktreeError, check_identity


@pytest.fixture(autouse=True)
def _who(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    identity(monkeypatch, tmp_path)


@pytest.fixture
def tree(tmp_path: Path) -> Worktree:
    made = Worktree.init(tmp_path / "мой проект", "main")
    (made.path / "a.txt").write_text("one", encoding="utf-8")
    assert made.commit(["a.txt"], "first")
    return made


def _commit(tree: Worktree, **files: str) -> str:
    stored = {name.replace("_", "."): tree.store(text.encode()) for name, text in files.items()}
    made = tree.make_commit(tree.head or "", stored, "второй")
    assert made
    return made


def test_the_repository_of_a_folder(tree: Worktree, tmp_path: Path) -> None:
    (tree.path / "sub").mkdir()
    found = Worktree.find(tree.path / "sub" / "not there")
    assert found == tree
    assert tree.branch == "main"
    assert Worktree.find(tmp_path) is None


def test_a_bare_repository_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    with pytest.raises(WorktreeError, match="bare"):
        Worktree.find(tmp_path / "bare.git")


def test_a_commit_touches_neither_files_nor_branches(tree: Worktree) -> None:
    before = refs(tree.path)
    made = _commit(tree, a_txt="two", новый_txt="текст")
    assert refs(tree.path) == before
    assert git(tree.path, "status", "--porcelain") == ""
    assert tree.read(made, "новый.txt") == "текст".encode()
    assert tree.listing(made).keys() == {"a.txt", "новый.txt"}
    assert (tree.path / "a.txt").read_text(encoding="utf-8") == "one"


def test_no_commit_without_a_change(tree: Worktree) -> None:
    assert tree.make_commit(tree.head or "", {"a.txt": tree.store(b"one")}, "same") is None


def test_files_are_taken_away(tree: Worktree) -> None:
    made = tree.make_commit(tree.head or "", {"b": tree.store(b"")}, "gone", gone=["a.txt"])
    assert tree.listing(str(made)).keys() == {"b"}


def test_a_file_where_a_folder_is_needed_is_an_error(tree: Worktree) -> None:
    for path in ("a.txt/b", "sub"):
        base = tree.make_commit(tree.head or "", {"sub/c": tree.store(b"")}, "a folder")
        with pytest.raises(WorktreeError, match="stands where"):
            tree.make_commit(str(base), {path: tree.store(b"")}, "no")


def test_going_to_a_new_branch_and_forward_on_it(tree: Worktree) -> None:
    tree.go("homework_1", _commit(tree, a_txt="two"))
    assert tree.branch == "homework_1"
    assert (tree.path / "a.txt").read_text(encoding="utf-8") == "two"
    tree.go("homework_1", _commit(tree, a_txt="three"))
    assert (tree.path / "a.txt").read_text(encoding="utf-8") == "three"
    assert tree.changes() == []


@pytest.mark.parametrize("ignored", [False, True])
def test_a_file_in_the_way_stays_and_the_branch_is_not_made(tree: Worktree, ignored: bool) -> None:
    if ignored:
        (tree.path / ".git" / "info" / "exclude").write_text("b.txt\n", encoding="utf-8")
    made = _commit(tree, b_txt="theirs")
    (tree.path / "b.txt").write_text("mine", encoding="utf-8")
    before = refs(tree.path)
    assert tree.in_the_way(made) == ["b.txt"]
    with pytest.raises(WorktreeError, match="refuses"):
        tree.go("homework_1", made)
    assert refs(tree.path) == before
    assert (tree.path / "b.txt").read_text(encoding="utf-8") == "mine"


def test_a_link_to_elsewhere_is_in_the_way(tree: Worktree, tmp_path: Path) -> None:
    (tree.path / "results").symlink_to(tmp_path)
    made = tree.make_commit(tree.head or "", {"results/run.json": tree.store(b"{}")}, "results")
    assert tree.in_the_way(str(made)) == ["results"]
    assert not (tmp_path / "run.json").exists()


def test_changes_are_tracked_files_only(tree: Worktree) -> None:
    (tree.path / "untracked").touch()
    assert tree.changes() == []
    (tree.path / "a.txt").write_text("changed", encoding="utf-8")
    assert tree.changes() == ["a.txt"]


def test_stash_and_back(tree: Worktree) -> None:
    assert not tree.stash("nothing")
    (tree.path / "a.txt").write_text("changed", encoding="utf-8")
    (tree.path / "мой файл.txt").write_text("new", encoding="utf-8")
    (tree.path / "runs").mkdir()
    (tree.path / "runs" / "x").touch()
    (tree.path / "новое").mkdir()
    (tree.path / "новое" / "[a].txt").touch()
    blocking = ["мой файл.txt", "новое"]
    assert set(tree.stash("aside", blocking)) == {"a.txt", "мой файл.txt", "новое/[a].txt"}
    assert tree.changes() == []
    assert not (tree.path / "мой файл.txt").exists()
    assert not (tree.path / "новое" / "[a].txt").exists()
    assert (tree.path / "runs" / "x").exists()  # in nobody's way
    tree.unstash()
    assert (tree.path / "a.txt").read_text(encoding="utf-8") == "changed"
    assert (tree.path / "мой файл.txt").exists()


def test_files_in_nobodys_way_are_not_put_aside(tree: Worktree) -> None:
    (tree.path / "a.txt").unlink()
    git(tree.path, "rm", "-q", "--cached", "a.txt")
    (tree.path / "заметки :(x) *.md").write_text("mine", encoding="utf-8")
    assert tree.stash("aside") == ["a.txt"]
    assert (tree.path / "a.txt").exists()
    assert (tree.path / "заметки :(x) *.md").read_text(encoding="utf-8") == "mine"
    (tree.path / "b.txt").touch()
    git(tree.path, "stash", "drop", "-q")
    assert tree.stash("again", ["b.txt"]) == ["b.txt"]
    assert (tree.path / "заметки :(x) *.md").read_text(encoding="utf-8") == "mine"
    assert not (tree.path / "b.txt").exists()


def test_only_the_named_files_are_committed(tree: Worktree) -> None:
    (tree.path / "mine").write_text("x", encoding="utf-8")
    git(tree.path, "add", "mine")
    (tree.path / "ours").write_text("x", encoding="utf-8")
    assert tree.commit(["ours"], "ours")
    assert git(tree.path, "show", "--name-only", "--format=").splitlines() == ["ours"]
    assert git(tree.path, "status", "--porcelain") == "A  mine"


def test_hooks_of_the_repository_are_not_run(tree: Worktree) -> None:
    for name in ("pre-commit", "post-checkout", "post-merge", "reference-transaction"):
        hook = tree.path / ".git" / "hooks" / name
        hook.write_text("#!/bin/sh\ntouch ran\nexit 1\n", encoding="utf-8")
        hook.chmod(0o755)
    tree.go("homework_1", _commit(tree, a_txt="two"))
    (tree.path / "c").touch()
    tree.commit(["c"], "c")
    assert not (tree.path / "ran").exists()


def test_no_monitor_of_the_repository_is_run(tree: Worktree, tmp_path: Path) -> None:
    monitor = tmp_path / "monitor"  # git splits its name at spaces
    monitor.write_text(f"#!/bin/sh\ntouch '{tree.path / 'ran'}'\n", encoding="utf-8")
    monitor.chmod(0o755)
    git(tree.path, "config", "core.fsmonitor", str(monitor))
    assert tree.changes() == []
    assert not (tree.path / "ran").exists()


def test_the_environment_leads_to_no_other_repository(
    tree: Worktree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Worktree.init(tmp_path / "other", "main")
    (other.path / "secret").touch()
    other.commit(["secret"], "theirs")
    before = refs(other.path)
    with monkeypatch.context() as environment:
        environment.setenv("GIT_DIR", str(other.path / ".git"))
        environment.setenv("GIT_WORK_TREE", str(other.path))
        environment.setenv("GIT_INDEX_FILE", str(other.path / ".git" / "index"))
        environment.setenv("GIT_AUTHOR_NAME", "Анна")
        assert Worktree.find(tree.path) == tree
        (tree.path / "b.txt").touch()
        assert tree.commit(["b.txt"], "ours")
    assert refs(other.path) == before
    assert git(tree.path, "log", "-1", "--format=%s %an") == "ours Анна"
    assert set(git(tree.path, "ls-files").split()) == {"a.txt", "b.txt"}
    assert set(git(tree.path, "rev-parse", "--local-env-vars").split()) <= _OF_ANOTHER


def test_without_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    identity(monkeypatch, tmp_path, known=False)
    with pytest.raises(WorktreeError, match=r"git config --global user\.name.*git config --global user\.email"):
        check_identity(tmp_path / "not" / "there")


def test_detached(tree: Worktree) -> None:
    git(tree.path, "checkout", "-q", "--detach")
    assert tree.branch is None


def test_without_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WorktreeError, match=r"git-scm\.com"):
        Worktree.find(tmp_path)


def test_a_remote_branch_is_begun_from(tree: Worktree, tmp_path: Path) -> None:
    tree.go("homework_1", _commit(tree, a_txt="two"))
    git(tmp_path, "clone", "-q", "-b", "main", str(tree.path), "clone")
    clone = Worktree(tmp_path / "clone")
    local, begins = clone.branch_commit("homework_1")
    assert local is None
    assert begins == tree.head
    assert clone.branch_commit("homework_2") == (None, None)
