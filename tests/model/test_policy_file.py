"""A file that a policy names: relative paths are taken from the policy's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.model.policy_file import named_in, policy_file


def test_a_relative_path_is_taken_from_the_policys_folder(tmp_path: Path) -> None:
    with named_in("/etc/pywall/pywall.yaml"):
        assert policy_file("lists/bad.txt") == "/etc/pywall/lists/bad.txt"
        assert policy_file("/var/lib/bad.txt") == "/var/lib/bad.txt"
    assert policy_file("bad.txt") == "bad.txt"


@pytest.mark.parametrize(
    "policy", ["", "policy:home", "-", "/dev/stdin", "/dev/fd/63", "/proc/self/fd/63", "policy.yaml"]
)
def test_what_came_from_no_folder_takes_the_working_directory(policy: str) -> None:
    with named_in(policy):
        assert policy_file("bad.txt") == "bad.txt"


def test_a_file_of_the_working_directory_alone_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.txt").touch()
    with named_in("/nowhere/pywall.yaml"), pytest.raises(ValueError, match="not from the working directory") as caught:
        policy_file("bad.txt")
    assert str(caught.value).endswith(f"write {tmp_path}/bad.txt")


@pytest.mark.parametrize("policy", ["/dev/shm/p.yaml", "/proc/1/root/etc/p.yaml", "/dev/fd.yaml"])
def test_files_of_special_folders_are_files(policy: str) -> None:
    with named_in(policy):
        assert policy_file("bad.txt") == str(Path(policy).parent / "bad.txt")


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_name_that_no_file_can_have_is_left_to_who_opens_it(name: str) -> None:
    with named_in("/etc/pywall/pywall.yaml"):
        assert policy_file(name) == f"/etc/pywall/{name}"


def test_a_folder_that_may_not_be_searched_is_left_to_who_opens_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.stat", refuse)
    with named_in("/etc/pywall/pywall.yaml"):
        assert policy_file("bad.txt") == "/etc/pywall/bad.txt"
