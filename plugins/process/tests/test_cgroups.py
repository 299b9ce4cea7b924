"""What a cgroup's path says, and whom it may not be believed from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pywall_process.cgroups import CgroupPaths, place_of

ID = "3f4a" * 16


@pytest.mark.parametrize(
    ("path", "unit", "user_unit", "container"),
    [
        ("/", "", "", ""),
        ("/system.slice/nginx.service", "nginx.service", "", ""),
        ("/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", "", ""),
        ("/user.slice/user-1000.slice/session-3.scope", "session-3.scope", "", ""),
        (
            "/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-1.scope",
            "user@1000.service", "app-firefox-1.scope", "",
        ),
        (f"/system.slice/docker-{ID}.scope", f"docker-{ID}.scope", "", ID),
        (f"/docker/{ID}", "", "", ID),
        (f"/machine.slice/libpod-{ID}.scope/container", f"libpod-{ID}.scope", "", ID),
        (f"/kubepods.slice/kubepods-burstable.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope",
         f"cri-containerd-{ID}.scope", "", ID),
        ("/lxc.payload.web1/system.slice/ssh.service", "ssh.service", "", "web1"),
        # names that users give themselves
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/sshd.service",
         "user@1000.service", "sshd.service", ""),
        (f"/user.slice/user-1000.slice/user@1000.service/docker-{ID}.scope",
         "user@1000.service", f"docker-{ID}.scope", ""),
    ],
)  # fmt: skip
def test_what_a_path_says(path: str, unit: str, user_unit: str, container: str) -> None:
    assert place_of(path) == (unit, user_unit, container)


def test_paths_by_number_follow_what_comes_and_goes(tmp_path: Path) -> None:
    web = tmp_path / "system.slice" / "web.service"
    web.mkdir(parents=True)
    (web / "cgroup.procs").write_text("7\n8\n")
    paths = CgroupPaths(tmp_path)
    number = os.stat(web).st_ino
    assert paths.path(number) == "/system.slice/web.service"
    assert paths.path(os.stat(tmp_path).st_ino) == "/"
    assert paths.processes(number) == [7, 8]
    later = tmp_path / "later.service"
    later.mkdir()
    assert paths.path(os.stat(later).st_ino) == "/later.service"
    later.rmdir()
    assert paths.path(10**12) is None
    assert paths.path(0) is None
    assert CgroupPaths(None).path(number) is None
