"""An environment that has PyWall as a stranger would have it: installed from wheels, with nothing of this checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = (".", *(f"plugins/{folder.parent.name}" for folder in sorted(ROOT.glob("plugins/*/pyproject.toml"))))


def _run(
    *command: str | Path, cwd: Path, code: int | None = 0, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command; its exit code must be ``code``, unless that is None."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=300, check=False, env=env)
    assert code in (None, done.returncode), f"{' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@dataclass
class Environment:
    """A virtual environment outside of the repository. What PyWall depends on is borrowed from this one."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def wheels(self) -> Path:
        return self.folder / "wheels"

    def run(
        self, *command: str | Path, cwd: Path | None = None, code: int | None = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run ``python``, ``pywall`` or another command of the environment."""
        program, *words = command
        env = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
        return _run(self.folder / "bin" / program, *words, cwd=cwd or self.folder, code=code, env=env)

    def pip(self, *words: str | Path) -> None:
        pip = (sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "--python", self.python)
        # compiled, the wheels would take minutes; so the tests that use them see the sources run as plain Python
        _run(*pip, *words, cwd=self.folder, env={**os.environ, "HATCH_BUILD_NO_HOOKS": "true"})

    def install(self, *sources: Path) -> None:
        """Install distributions from their folders or wheels."""
        self.pip("install", "--no-deps", "--no-build-isolation", *sources)

    def wheel(self, distribution: str) -> Path:
        """The wheel of one of our own distributions."""
        (found,) = self.wheels.glob(f"{distribution.replace('-', '_')}-*.whl")
        return found


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Core and first-party plugins, not compiled, from wheels of this checkout. Tests leave it as they found it."""
    made = Environment(tmp_path_factory.mktemp("environment"))
    _run(sys.executable, "-m", "venv", "--without-pip", made.folder, cwd=made.folder)
    borrowed = made.folder / "borrowed"
    borrowed.mkdir()
    for package in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if package.suffix != ".pth" and not package.name.startswith(("pywall", "_editable", "__")):
            (borrowed / package.name).symlink_to(package)
    packages = made.folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (packages / "borrowed.pth").write_text(f"{borrowed}\n")
    made.pip("install", "hatchling")
    made.pip("wheel", "--no-deps", "--no-build-isolation", "-w", made.wheels, *(ROOT / package for package in PACKAGES))
    made.install(*made.wheels.glob("*.whl"))
    return made


@pytest.fixture(scope="session")
def page_files() -> Callable[[Path], dict[str, str]]:
    """Files that a page of the manual gives, by name: code blocks below ``<!-- file: NAME -->``."""
    pattern = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
    return lambda page: dict(pattern.findall(page.read_text(encoding="utf-8")))
