from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from conftest import own_environment
from wasmfix.errors import WasmfixError
from wasmfix.patching import files
from wasmfix.patching.structure import NotRecognisedError, read_source


def test_a_new_file_never_overwrites_what_is_there(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("theirs")
    with pytest.raises(FileExistsError):
        files.write_new(there, b"ours", 0o644)
    assert there.read_text() == "theirs"


def test_a_new_file_is_not_written_through_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        files.write_new(tmp_path / "link", b"ours", 0o644)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "", ".", "a\0"])
def test_a_path_that_leaves_the_package_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(WasmfixError, match="leaves the package"):
        files.inside(tmp_path, path)


def test_a_folder_that_is_not_empty_stays(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    files.remove_folder(tmp_path / "a")
    assert (tmp_path / "a" / "b").is_dir()
    files.remove_folder(tmp_path / "a" / "b")
    files.remove_folder(tmp_path / "a")
    files.remove_folder(tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(WasmfixError, match=r"loop/file: cannot be read \(Too many levels"):
        files.read_state(tmp_path / "loop" / "file")


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_a_file_in_a_folder_that_cannot_be_entered_is_not_recognised(tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir(mode=0o000)
    root = files.is_root()
    try:
        if root:
            os.seteuid(65534)
        with pytest.raises(NotRecognisedError, match=r"it cannot be read \(Permission denied\)"):
            read_source(folder / "index.js")
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)


def test_the_mode_does_not_depend_on_the_umask(tmp_path: Path) -> None:
    files.write_new(tmp_path / "file", b"x", 0o666)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o666


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WasmfixError, match="is not a file"):
        files.read_state(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="owners of POSIX")
def test_who_may_not_give_files_away_makes_them_all_the_same() -> None:
    # Not below pytest's folder, which is closed to other users.
    with tempfile.TemporaryDirectory(prefix="wasmfix-owner-") as folder:
        Path(folder).chmod(0o777)
        made, root = Path(folder) / "made", files.is_root()
        try:
            if root:
                os.seteuid(65534)
            files.make_folder(made, (1234, 1235))
            files.write_new(made / "file", b"some content", 0o640, (1234, 1235))
            assert (made / "file").stat().st_uid == os.geteuid()
        finally:
            if root:
                os.seteuid(0)
        assert (made / "file").read_bytes() == b"some content"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize(
    ("command", "owner"),
    [
        # Rootless podman, where the group of a mounted project is none of the container's.
        (("unshare", "--user", "--map-root-user"), (0, 1235)),
        # A container with --cap-drop=CHOWN.
        (("setpriv", "--bounding-set=-chown", "--inh-caps=-chown"), (1234, 1235)),
    ],
)
def test_a_root_that_cannot_give_files_away_makes_them_all_the_same(
    tmp_path: Path, command: tuple[str, ...], owner: tuple[int, int]
) -> None:
    if shutil.which(command[0]) is None or subprocess.run([*command, "true"], check=False).returncode != 0:
        pytest.skip(f"{command[0]} does not do that here")
    child = (
        "import sys; from pathlib import Path; from wasmfix.patching import files\n"
        "owner = tuple(map(int, sys.argv[1:]))\n"
        "files.make_folder(Path('made'), owner); files.make_folder(Path('made'), owner)\n"
        "files.write_new(Path('made/file'), b'some content', 0o640, owner)"
    )
    run = [*command, sys.executable, "-c", child, *map(str, owner)]
    done = subprocess.run(run, cwd=tmp_path, env=own_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    status = (tmp_path / "made" / "file").stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (0, 0o640)
    assert (tmp_path / "made" / "file").read_bytes() == b"some content"
