"""Files below a folder are found by the endings of their names, however deep."""

from __future__ import annotations

from pathlib import Path

from pywall_core.file_tree import files_below


def test_files_of_all_folders_are_found_by_their_endings(tmp_path: Path) -> None:
    wanted = {tmp_path / "a.py", tmp_path / "rooms" / "b.so", tmp_path / "rooms" / "inner" / "c.py"}
    for path in (*wanted, tmp_path / "d.pyc", tmp_path / "rooms" / "py"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert {Path(found) for found in files_below(tmp_path, ".py", ".so")} == wanted


def test_a_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "a.py").touch()
    (tmp_path / "inside" / "around").symlink_to(tmp_path)
    assert list(files_below(tmp_path, ".py")) == [f"{tmp_path}/inside/a.py"]


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert not list(files_below(tmp_path / "missing", ".py"))
