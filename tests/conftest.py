"""Fixtures for all rooms: PyWall installed from wheels as a stranger would have it, with nothing of this checkout, and
engines with small rule kinds of their own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pywall_core.api import NO, PENDING, YES, Answer, Flow, Host, Matcher, Packet, RuleKind, hookimpl
from pywall_core.config import Config
from pywall_core.engine.engine import Engine
from pywall_core.plugins.loader import assemble

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


class Port(RuleKind):
    """Destination port."""

    kind: ClassVar[str] = "port"
    dst: int

    def compile(self, host: Host) -> Matcher:
        return lambda packet, flow: YES if packet.dport == self.dst else NO


class App(RuleKind):
    """Protocol by content."""

    kind: ClassVar[str] = "app"
    scope = "flow"
    name: str

    def asks(self) -> tuple[str, ...]:
        return ("app_proto",)

    def compile(self, host: Host) -> Matcher:
        def match(packet: Packet, flow: Flow) -> Answer:
            if flow.app_proto is None:
                return PENDING
            return YES if flow.app_proto == self.name else NO

        return match


class Flag(RuleKind):
    """A packet whose payload begins with an exclamation mark; asked for each packet."""

    kind: ClassVar[str] = "flag"
    scope = "packet"
    port: int = 0

    def concerns(self, flow: Flow) -> bool:
        return not self.port or flow.dport == self.port

    def compile(self, host: Host) -> Matcher:
        return lambda packet, flow: YES if packet.payload[:1] == b"!" else NO


class Always(RuleKind):
    """Every packet."""

    kind: ClassVar[str] = "always"

    def compile(self, host: Host) -> Matcher:
        return lambda packet, flow: YES


class Kinds:
    """Brings the rule kinds above."""

    @hookimpl
    def pywall_rules(self, register: Any) -> None:
        for kind in (Port, App, Flag, Always):
            register(kind)


MakeEngine = Callable[..., Engine]


@pytest.fixture
def make_engine() -> MakeEngine:
    """``make_engine(chains=..., plugins=[(name, object)], **configuration)``; events are appended to ``events``."""

    def make(
        plugins: list[tuple[str, Any]] | None = None,
        live: bool = False,
        events: list[dict[str, Any]] | None = None,
        **data: Any,
    ) -> Engine:
        config = Config.model_validate({"version": 1, **data})
        loaded = assemble(config, [("kinds", Kinds()), *(plugins or [])])
        return Engine(config, loaded, live=live, sink=[].append if events is None else events.append)

    return make
