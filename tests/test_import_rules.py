"""The direction of imports: transports -> services -> upstream -> providers -> records, and nothing the other way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "websocket"

ENTRY_POINTS = ("app.py", "start_service.py", "gunicorn.conf.py")

FOUNDATION = {
    "errors",
    "records",
    "chain_records",
    "news_records",
    "model_records",
    "coins",
    "settings",
    "codec",
    "green",
    "supervisor",
    "refused",
}
"""Everyone may use these."""

MAY_IMPORT = {
    "errors": set(),
    "records": set(),
    "chain_records": set(),
    "news_records": set(),
    "model_records": {"records"},
    "coins": set(),
    "codec": set(),
    "green": set(),
    "supervisor": {"green"},
    "refused": set(),
    "catalogue": set(),
    "settings": {"errors"},
    "providers": FOUNDATION - {"green", "supervisor"},
    # budgets may be counted in the Redis that the cache knows how to reach
    "upstream": FOUNDATION | {"providers", "cache"},
    "cache": FOUNDATION,
    "broker": FOUNDATION | {"cache"},
    "job_runs": FOUNDATION,
    "scheduler": FOUNDATION | {"job_runs"},
    # its command line asks whether a service holds the folder, which the cache knows
    "archive": FOUNDATION | {"broker", "catalogue", "cache", "scheduler"},
    "price_book": FOUNDATION,
    "feed_status": FOUNDATION | {"price_book"},
    "notices": FOUNDATION | {"broker", "catalogue", "feed_status"},
}
"""What a part of ours may import of ours, beside itself. The others are only held to ``MUST_NOT_IMPORT``."""

MUST_NOT_IMPORT = {
    "services": {"transports", "health"},
    "hub": {"transports", "services", "upstream", "providers"},
    "health": {"transports"},
    "metrics": {"transports", "services", "documentation", "providers"},
    "transports": {"services", "upstream", "providers", "cache", "scheduler", "price_book"},
}

SETTINGS_FILES = [
    f"websocket.settings.{name}"
    for name in (
        *("kinds", "service_areas", "price_areas", "data_areas", "address_areas", "areas"),
        *("naming", "checks", "reading", "reference"),
    )
]
"""The files of the settings; each may import those before it."""

INPUT_AND_OUTPUT = {"http", "requests", "socket", "subprocess", "urllib.request", "urllib3"}

PROVIDER_CONTRACTS = ("websocket.providers.base", "websocket.providers.capabilities")


def modules() -> list[Path]:
    """All files of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def imports_of(file: Path) -> Iterator[str]:
    """The full names of the modules that a file imports; of ``from a import b`` both ``a`` and ``a.b``."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def parts(names: Iterator[str]) -> set[str]:
    """The parts of our package (module or folder) among the imported names."""
    return {name.split(".")[1] for name in names if name.startswith("websocket.")}


def part_of(file: Path) -> str:
    """The part that a file belongs to."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def files_of(part: str) -> list[Path]:
    """The files of a part; there must be some, or a rule would hold for nothing."""
    found = [file for file in modules() if part_of(file) == part]
    assert found, f"there is no {part} any more: change the rule"
    return found


def test_package_itself_imports_nothing() -> None:
    """Other libraries import it by mistake, because it is called as PyPI's websocket-client is."""
    assert list(imports_of(PACKAGE / "__init__.py")) == []


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_part_imports_what_is_below_it(part: str) -> None:
    """And nothing beside or above."""
    for file in files_of(part):
        assert parts(imports_of(file)) - {part} <= MAY_IMPORT[part], file


@pytest.mark.parametrize("part", MUST_NOT_IMPORT)
def test_part_does_not_know_what_is_above_it(part: str) -> None:
    """A service publishes and does not know who listens; a transport delivers and does not know who fetched."""
    for file in files_of(part):
        assert not parts(imports_of(file)) & MUST_NOT_IMPORT[part], file


def test_only_the_composition_root_knows_the_transports() -> None:
    """What connects everything is in one place."""
    importers = [
        file.name
        for file in (*modules(), *(ROOT / name for name in ENTRY_POINTS))
        if part_of_or_none(file) != "transports" and "transports" in parts(imports_of(file))
    ]
    assert importers == ["app.py"]


def part_of_or_none(file: Path) -> str | None:
    """None for the entry points, which are outside of the package."""
    return part_of(file) if file.is_relative_to(PACKAGE) else None


def test_upstream_knows_no_provider_by_name() -> None:
    """Only the contract: a provider is added without touching the layer that runs it."""
    for part in ("upstream", "services", "transports"):
        for file in files_of(part):
            known = {name for name in imports_of(file) if name.startswith("websocket.providers.")}
            assert all(name.startswith(PROVIDER_CONTRACTS) for name in known), file


def test_providers_do_no_input_or_output() -> None:
    """Requests out and answers in are values, so that a recording is a whole test."""
    for file in files_of("providers"):
        imported = set(imports_of(file))
        assert not (imported | {name.split(".")[0] for name in imported}) & INPUT_AND_OUTPUT, file


def test_no_cycles() -> None:
    """Every module can be understood after those that it imports."""
    graph = {name_of(file): set(imports_of(file)) for file in modules()}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join((*way, name))
        if name not in done:
            for imported in sorted(graph[name] & graph.keys()):
                visit(imported, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def name_of(file: Path) -> str:
    """The name under which a file is imported."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_imports_are_at_the_top() -> None:
    """None is hidden in a function, where no rule and no reader finds it."""
    for file in modules():
        for function in ast.walk(ast.parse(file.read_text())):
            if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                hidden = [node for node in ast.walk(function) if isinstance(node, (ast.Import, ast.ImportFrom))]
                assert not hidden, f"{file}: {function.name}"


def test_nobody_uses_asyncio() -> None:
    """A second event loop in the process does not work."""
    for file in modules():
        assert "asyncio" not in {name.split(".")[0] for name in imports_of(file)}, file


def test_settings_are_imported_from_one_place() -> None:
    """Which of its files declares what is the package's own business."""
    for file in (*modules(), *(ROOT / name for name in ENTRY_POINTS)):
        if part_of_or_none(file) != "settings":
            assert not [name for name in imports_of(file) if name in SETTINGS_FILES], file


@pytest.mark.parametrize("name", SETTINGS_FILES)
def test_files_of_settings_import_those_before_them(name: str) -> None:
    """From the kinds of values to what is read and shown; the package itself only passes on what they declare."""
    (file,) = (file for file in files_of("settings") if name_of(file) == name)
    before = SETTINGS_FILES[: SETTINGS_FILES.index(name)]
    own = {imported for imported in imports_of(file) if imported in SETTINGS_FILES}
    assert own <= set(before)
    assert "websocket.settings" not in imports_of(file)


def test_every_file_of_settings_has_its_place() -> None:
    """In the order above, which the package's docstring shows to readers."""
    names = {name_of(file) for file in files_of("settings")}
    assert names - {"websocket.settings", "websocket.settings.__main__"} == set(SETTINGS_FILES)
    explained = [line.split()[0] for line in docstring_of(PACKAGE / "settings" / "__init__.py") if ".py  " in line]
    assert explained == [f"{name.rpartition('.')[2]}.py" for name in SETTINGS_FILES]


def docstring_of(file: Path) -> list[str]:
    """The lines of a module's docstring."""
    return (ast.get_docstring(ast.parse(file.read_text())) or "").splitlines()


def test_environment_is_read_in_one_place() -> None:
    """``settings`` gets it from the entry points; ``green.py`` tells a library something through it, and gunicorn's
    master and worker share what ``production.py`` has read.
    """
    users = {
        part_of(file)
        for file in modules()
        if file.name != "__main__.py"  # an entry point of its own
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb")
        if isinstance(node.value, ast.Name) and node.value.id == "os"
    }
    assert users <= {"green", "production"}
