"""Imports point inwards: core, then use cases, then the edges."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "functions" / "voxshelf"
STANDARD_LIBRARY = __import__("sys").stdlib_module_names
# What each ring may import of ours. A ring that is not listed fails the test below.
ALLOWED = {
    "core": {"core"},
    "use_cases": {"core", "use_cases"},
    "http": {"core", "use_cases", "http"},
    "adapters": {"core", "use_cases", "adapters"},
    "endpoints": {"core", "use_cases", "http", "wiring", "endpoints"},
    "server": {"http", "server"},
    "migrate": {"core", "migrate"},
    "settings.py": {"core", "settings_runpod"},
    "settings_runpod.py": {"core"},
    "wiring.py": {"core", "use_cases", "http", "adapters", "settings", "runpod_wiring"},
    "runpod_wiring.py": {"core", "use_cases", "http", "adapters", "settings_runpod"},
    "__init__.py": set(),
}
PURE = {"core", "use_cases"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_its_own_ring_and_those_inside(path):
    ring = path.relative_to(PACKAGE).parts[0]
    for name in imports(path):
        top, *rest = name.split(".")
        if top == "voxshelf" and rest:
            assert rest[0] in ALLOWED[ring], name
        elif ring in PURE:
            assert top == "voxshelf" or top in STANDARD_LIBRARY, name


def test_the_pure_rings_know_nothing_of_the_process_around_them():
    for path in MODULES:
        if path.relative_to(PACKAGE).parts[0] in PURE:
            assert not {"os", "sys", "logging", "socket", "subprocess"} & set(imports(path)), path


def test_a_module_stays_readable():
    longest = {str(p.relative_to(PACKAGE)): len(p.read_text().splitlines()) for p in MODULES}
    assert {name: lines for name, lines in longest.items() if lines > 300} == {}
