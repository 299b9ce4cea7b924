"""The shape of the house: modules and functions that can be read in one sitting, no circles, a test file a module.

A list of exceptions here may only become shorter: what is on it and is not needed any more fails too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "pywall_core"
#: packages with the folder that holds them
PACKAGES = {"pywall_core": ROOT, **{path.name: path.parent for path in sorted(ROOT.glob("plugins/*/src/*"))}}
MOST_LINES = 300
MOST_FUNCTION_LINES = 60
#: in the docstring of a module or function that is longer: the reason
REASON = "Longer than"
#: modules whose docstring is a page of the manual: why they are longer
LONG_PAGES = {
    "pywall_protocols.encryption.tls": "the opening of a TLS connection, one record after the other",
    "pywall_protocols.transactions.http": "one parser, whose states are its methods",
}
#: functions that are a class of tests, or one table of headers: each of their parts is short
LONG_FUNCTIONS = {
    "pywall_core.chain.walk._collect": "one loop: the walk",
    "pywall_core.packet.decode._decode_common": "a call for each header would cost more than reading it",
    "pywall_core.testing.detectors.detector_contract": "a class of tests, each a few lines",
    "pywall_core.testing.rules.rule_contract": "a class of tests, each a few lines",
    "pywall_core.testing.transactions.transaction_contract": "a class of tests, each a few lines",
}


def modules(package: str) -> dict[str, Path]:
    """The modules of a package, by dotted name."""
    folder = PACKAGES[package]
    found = {}
    for path in sorted((folder / package).rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        if "files" not in parts:  # what the scaffold writes is a template
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_are_short_or_say_why_not(package: str) -> None:
    wrong = []
    for name, path in modules(package).items():
        text = path.read_text(encoding="utf-8")
        lines, docstring = text.count("\n"), ast.get_docstring(ast.parse(text)) or ""
        reason = REASON in docstring or name in LONG_PAGES
        if (lines > MOST_LINES) != reason:
            wrong.append(f"{name}: {lines} lines, {'a reason' if reason else 'no reason'} in its docstring")
    assert not wrong, f"at most {MOST_LINES} lines, or '{REASON} {MOST_LINES} lines: ...' in the docstring"


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_are_short_or_listed(package: str) -> None:
    wrong = []
    for name, path in modules(package).items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            place = f"{name}.{node.name}"
            if (lines > MOST_FUNCTION_LINES) != (place in LONG_FUNCTIONS):
                wrong.append(f"{place}: {lines} lines")
    assert not wrong, f"at most {MOST_FUNCTION_LINES} lines, or a line in LONG_FUNCTIONS"


def imports(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules of the same package that a module imports, in functions and for type checking too."""
    is_package = path.name == "__init__.py"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = name.split(".") if is_package else name.split(".")[:-1]
            base = base[: len(base) - (node.level - 1)] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield inner if inner in known else module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other, directly or not (Tarjan's strongly connected components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in edges[name]:
            if other not in index:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in edges:
        if name not in index:
            visit(name)
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_no_modules_import_each_other(package: str) -> None:
    known = modules(package)
    edges = {name: {m for m in imports(name, path, known) if m in known and m != name} for name, path in known.items()}
    assert circles(edges) == []


def test_a_circle_is_found() -> None:
    edges = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}
    assert circles(edges) == [["a", "b", "c"]]


#: Modules of the core without a test file of their name: why, and where they are tested instead.
TESTED_ELSEWHERE: dict[str, dict[str, str]] = {
    "types, a Protocol or plain data, tested with what uses it": {
        "model.host": "tests/testing/test_rules.py",
        "model.matcher": "tests/chain/test_runs.py",
        "plugins.plugin": "tests/plugins/test_loader.py",
    },
    "a command, run as users run it": {
        "cli.demo": "tests/netns/test_life.py",
    },
}


def has_a_test_file(name: str, path: Path, names: list[str]) -> bool:
    """``tests/<room>/test_<module>.py``; in any folder where no other module has the name."""
    file = f"test_{path.stem}.py"
    if (ROOT / "tests" / path.parent.name / file).exists():
        return True
    alone = sum(other.rpartition(".")[2] == path.stem for other in names) == 1
    return alone and any((ROOT / "tests").rglob(file))


def test_every_module_of_the_core_has_a_test_file_of_its_name() -> None:
    known = modules("pywall_core")
    missing = {
        name.removeprefix("pywall_core.")
        for name, path in known.items()
        if path.name != "__init__.py" and not has_a_test_file(name, path, list(known))
    }
    listed = {name for places in TESTED_ELSEWHERE.values() for name in places}
    assert missing - listed == set(), "write tests/<room>/test_<module>.py"
    assert listed - missing == set(), "take it off the list: it has a test file, or is gone"


def test_the_tests_elsewhere_are_there() -> None:
    named = {place for places in TESTED_ELSEWHERE.values() for place in places.values()}
    assert sorted(place for place in named if not (ROOT / place).exists()) == []
