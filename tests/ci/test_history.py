"""What was there before: asked of real repositories."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import NpmProject
from wasmfix.ci.history import version_before
from wasmfix.project import InstalledPackage, find_installation, find_project

ZERO = "@rocicorp/zero-sqlite3"

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="no git")


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=T", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
    # Nothing that goes on in .git after the command's end.
    who += ["-c", "maintenance.auto=false", "-c", "gc.auto=0"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def lock(folder: Path, *versions: str) -> None:
    packages = {f"{'x/' * place}node_modules/{ZERO}": {"version": version} for place, version in enumerate(versions)}
    (folder / "package-lock.json").write_text(json.dumps({"packages": packages}, indent=2))


@pytest.fixture
def project(npm_project: NpmProject) -> Path:
    """A repository whose lock file says 1.0.15 in the first commit, while 1.1.4 is installed."""
    folder = npm_project(ZERO, "1.1.4")
    (folder / ".gitignore").write_text("node_modules\n")
    lock(folder, "1.0.15")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "one")
    return folder


def before(folder: Path, **environment: str) -> tuple[str, str] | None:
    installation = find_installation(find_project(folder), [ZERO])
    (package,) = installation.packages
    assert isinstance(package, InstalledPackage)
    found = version_before(package, installation, environment)
    return (found.version, found.source) if found else None


def test_a_change_that_is_not_committed_is_compared_with_the_last_commit(project: Path) -> None:
    lock(project, "1.1.4")
    assert before(project) == ("1.0.15", "package-lock.json of HEAD")


def test_a_commit_is_compared_with_the_one_before(project: Path) -> None:
    lock(project, "1.1.4")
    git(project, "commit", "-qam", "two")
    assert before(project) == ("1.0.15", "package-lock.json of HEAD^")


def test_a_push_of_several_commits_is_compared_with_what_was_there_before_it(project: Path, tmp_path: Path) -> None:
    first = git(project, "rev-parse", "HEAD")
    lock(project, "1.1.4")
    git(project, "commit", "-qam", "two")
    git(project, "commit", "-q", "--allow-empty", "-m", "three")
    assert before(project) is None
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"before": first}))
    assert before(project, GITHUB_EVENT_PATH=str(event)) == ("1.0.15", f"package-lock.json of {first[:12]}")
    event.write_text(json.dumps({"pull_request": {"base": {"sha": first}}}))
    assert before(project, GITHUB_EVENT_PATH=str(event)) == ("1.0.15", f"package-lock.json of {first[:12]}")
    assert before(project, CI_COMMIT_BEFORE_SHA=first) == ("1.0.15", f"package-lock.json of {first[:12]}")


@pytest.mark.parametrize("event", ["", "{", "[]", '{"before": "--output=x"}', '{"before": 3, "pull_request": []}'])
def test_an_event_that_says_nothing_is_none(project: Path, tmp_path: Path, event: str) -> None:
    lock(project, "1.1.4")
    git(project, "commit", "-qam", "two")
    git(project, "commit", "-q", "--allow-empty", "-m", "three")
    (tmp_path / "event.json").write_text(event)
    assert before(project, GITHUB_EVENT_PATH=str(tmp_path / "event.json"), CI_COMMIT_BEFORE_SHA="0" * 40) is None


def test_a_shallow_checkout_knows_nothing_and_one_of_two_commits_does(project: Path, scratch: Path) -> None:
    lock(project, "1.1.4")
    git(project, "commit", "-qam", "two")
    for depth, expected in (("1", None), ("2", ("1.0.15", "package-lock.json of HEAD^"))):
        clone = scratch / f"depth-{depth}"
        git(scratch, "clone", "-q", "--depth", depth, f"file://{project}", str(clone))
        shutil.copytree(project / "node_modules", clone / "node_modules", symlinks=True)
        assert before(clone) == expected


def test_a_version_that_came_to_another_is_no_bump(project: Path) -> None:
    lock(project, "1.0.15", "1.1.4")
    assert before(project) is None


def test_a_project_in_a_folder_of_the_repository_is_found_there(project: Path, scratch: Path) -> None:
    mono = scratch / "mono"
    mono.mkdir()
    shutil.rmtree(project / ".git")
    project.rename(mono / "chat")
    git(mono, "init", "-q")
    git(mono, "add", "-A")
    git(mono, "commit", "-qm", "one")
    lock(mono / "chat", "1.1.4")
    assert before(mono / "chat") == ("1.0.15", "package-lock.json of HEAD")


def test_outside_of_a_repository_nothing_is_known(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(project / ".git")
    # The scratch folder lies in the repository of wasmfix itself.
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.parent))
    lock(project, "1.1.4")
    assert before(project) is None
