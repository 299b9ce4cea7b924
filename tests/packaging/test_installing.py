"""Each way to install that docs/install.md names, in an empty environment: what is needed comes from the index."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CAPTURE = ROOT / "tests" / "data" / "tls12.pcap"
NAMES = ["hedge", "protocols", "rules", "stream"]


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env={**clean, **(env or {})}, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources as they are here, without what was built from them."""
    folder = tmp_path_factory.mktemp("clone") / "pywall"
    built = shutil.ignore_patterns(".*", "__pycache__", "*.so", "dist", "build", "_build", "captures", "corpus")
    shutil.copytree(ROOT, folder, ignore=built)
    return folder


@pytest.fixture(scope="module")
def dist(clone: Path) -> Path:
    """The wheels, with one module that stands for those that ``make compiled`` leaves: compiling takes minutes."""
    extra = clone / "plugins/stream/src/pywall_stream" / f"extra{sysconfig.get_config_var('EXT_SUFFIX')}"
    extra.write_bytes(b"")
    run(sys.executable, "-m", "pip", "install", "-q", "wheel", "hatchling", cwd=clone)
    run(sys.executable, "scripts/wheels.py", cwd=clone)
    extra.unlink()
    return clone / "dist"


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Path]:
    """An environment with pip and nothing else."""
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    yield tmp_path / "venv" / "bin"
    shutil.rmtree(tmp_path / "venv")


def assert_works(pywall: Path, cwd: Path, plugins: list[str] = NAMES) -> None:
    done = run(pywall, "replay", CAPTURE, cwd=cwd)
    assert re.search(r"192\.0\.2\.1:40000 .* tls ", done.stdout)
    assert "not installed" not in done.stderr
    assert set(plugins) <= set(run(pywall, "plugins", "list", cwd=cwd).stdout.split())


def test_one_line_from_a_clone_in_any_order(clone: Path, empty: Path) -> None:
    folders = sorted(f"./plugins/{folder.name}" for folder in (clone / "plugins").iterdir())
    run(empty / "pip", "install", "-q", *folders, ".", cwd=clone)
    assert_works(empty / "pywall", empty)
    assert not list((empty.parent / "lib").glob("python*/site-packages/pywall_*/**/*.so"))


def test_the_core_alone_says_how_to_get_plugins(clone: Path, empty: Path) -> None:
    run(empty / "pip", "install", "-q", ".", cwd=clone)
    for command in (("plugins", "list"), ("replay", CAPTURE)):
        assert "`pip install ./plugins/*` brings all plugins" in run(empty / "pywall", *command, cwd=empty).stderr


def test_wheels_are_pure_and_for_this_python(dist: Path) -> None:
    names = {wheel.name for wheel in dist.glob("pywall_*.whl")}
    pure = {name for name in names if name.endswith("-py3-none-any.whl")}
    assert len(pure) == len(list((ROOT / "plugins").glob("*/pyproject.toml"))) + 1
    (compiled,) = names - pure
    assert compiled.startswith("pywall_stream-")
    assert f"-cp{sys.version_info.major}{sys.version_info.minor}-" in compiled
    for name in names:
        modules = [member for member in zipfile.ZipFile(dist / name).namelist() if member.endswith(".so")]
        assert bool(modules) is (name == compiled)
    assert list(dist.glob("netfilterqueue-*.whl"))


def test_all_from_the_wheels(dist: Path, empty: Path) -> None:
    run(empty / "pip", "install", "-q", "--find-links", dist, "pywall-core[all]", cwd=empty)
    assert_works(empty / "pywall", empty, [*NAMES, "metrics"])
    run(empty / "python", "-c", "import netfilterqueue", cwd=empty)


def test_uv_tool(dist: Path, empty: Path, tmp_path: Path) -> None:
    run(empty / "pip", "install", "-q", "uv", cwd=tmp_path)
    places = {
        "UV_TOOL_DIR": str(tmp_path / "tools"),
        "UV_TOOL_BIN_DIR": str(tmp_path / "bin"),
        "UV_PYTHON": sys.executable,
    }
    for file in pip_setting("cert"):
        places["SSL_CERT_FILE"] = file
    links = [word for link in [dist, *pip_setting("find-links")] for word in ("--find-links", link)]
    run(empty / "uv", "tool", "install", "-q", *links, "pywall-core[all]", cwd=tmp_path, env=places)
    assert_works(tmp_path / "bin" / "pywall", tmp_path)


def test_pipx(dist: Path, empty: Path, tmp_path: Path) -> None:
    run(empty / "pip", "install", "-q", "pipx", cwd=tmp_path)
    places = {"PIPX_HOME": str(tmp_path / "pipx"), "PIPX_BIN_DIR": str(tmp_path / "bin")}
    run(empty / "pipx", "install", f"--pip-args=--find-links={dist}", "pywall-core[all]", cwd=tmp_path, env=places)
    assert_works(tmp_path / "bin" / "pywall", tmp_path)


def pip_setting(name: str) -> list[str]:
    """Return the words of one of pip's settings on this machine; uv does not read them."""
    listed = run(sys.executable, "-m", "pip", "config", "list", cwd=ROOT).stdout
    return [word for value in re.findall(rf"\b{name}='(.*)'", listed) for word in value.split()]
