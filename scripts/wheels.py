"""Fills dist/ with wheels: a pure one (py3-none-any) of each distribution, beside it one with the modules that
``make compiled`` has compiled for this Python, and NetfilterQueue's. pip takes the compiled one where it fits.

Run by ``make wheels`` in the environment that ``scripts/setup.sh`` made.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"


def main() -> None:
    shutil.rmtree(DIST, ignore_errors=True)
    folders = [ROOT, *(path.parent for path in sorted(ROOT.glob("plugins/*/pyproject.toml")))]
    for folder in folders:
        known = set(DIST.glob("*.whl"))
        pip("wheel", "--no-deps", "--no-build-isolation", "-w", DIST, folder)
        (pure,) = set(DIST.glob("*.whl")) - known
        add_compiled(pure, folder if folder == ROOT else folder / "src")
    built = list((ROOT / ".venv" / "wheels").glob("netfilterqueue-*.whl"))
    pip("wheel", "--no-deps", "-w", DIST, *(built or ["NetfilterQueue>=1.1"]))
    for wheel in sorted(DIST.glob("*.whl")):
        print(wheel.relative_to(ROOT))


def pip(*words: str | Path) -> None:
    """Run pip in this environment."""
    subprocess.run([sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", *map(str, words)], check=True)


def add_compiled(pure: Path, sources: Path) -> None:
    """Write the wheel for this platform, the pure one with compiled modules beside their sources, if there are any."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    with tempfile.TemporaryDirectory() as name:
        wheel("unpack", "-d", name, pure)
        (tree,) = Path(name).iterdir()
        packages = [path.name for path in tree.iterdir() if not path.name.endswith(".dist-info")]
        modules = [path for package in packages for path in (sources / package).rglob(f"*{suffix}")]
        if not modules:
            return
        modules += sources.glob(f"*__mypyc{suffix}")  # the library that they share stands beside their package
        for module in modules:
            shutil.copy2(module, tree / module.relative_to(sources))
        (about,) = tree.glob("*.dist-info/WHEEL")
        python = f"cp{sys.version_info.major}{sys.version_info.minor}"
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        text = about.read_text().replace("Root-Is-Purelib: true", "Root-Is-Purelib: false")
        about.write_text(text.replace("Tag: py3-none-any", f"Tag: {python}-{python}-{platform}"))
        wheel("pack", "-d", DIST, tree)


def wheel(*words: str | Path) -> None:
    """Run the command ``wheel``."""
    subprocess.run([sys.executable, "-m", "wheel", *map(str, words)], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
