"""Shared test set-up: thread policy first, real data by environment, the row and fault table."""

from __future__ import annotations

from lab.threads import apply_thread_policy

apply_thread_policy("test")

import os  # noqa: E402
import sys  # noqa: E402
from collections import defaultdict  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402

from tests.builders.commands import Commands  # noqa: E402

ROWS = (
    [f"C{n}" for n in range(1, 22)]
    + [f"R{n}" for n in range(1, 17)]
    + [f"SG-{n:02d}" for n in range(1, 21)]
    + [f"CM-{n:02d}" for n in range(1, 19)]
    + [f"XI-{n:02d}" for n in range(1, 14)]
    + [f"X-{n:02d}" for n in range(1, 12)]
)
FAULTS = [f"fault {n}" for n in range(1, 69)]


@pytest.fixture(autouse=True)
def _own_main_module() -> Iterator[None]:
    """A page under test replaces `__main__` and leaves it behind; child processes would run it again."""
    own = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = own


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workspace that `lab.config.settings()` and child processes see."""
    folder = tmp_path / "workspace"
    monkeypatch.setenv("LAB_WORKSPACE", str(folder))
    monkeypatch.delenv("LAB_STORE_URL", raising=False)
    return folder


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real, openly licensed image sets; tests skip with the reason when it is absent."""
    named = os.environ.get("LAB_TEST_DATA", "")
    if not named or not Path(named).is_dir():
        pytest.skip("LAB_TEST_DATA does not name a folder of real test images")
    return Path(named)


@pytest.fixture(scope="session")
def phantom_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """72 films of 36 phantom patients, with metadata.csv and masks, rendered once a session."""
    from lab.data.phantoms import make_dataset_folder

    return make_dataset_folder(
        tmp_path_factory.mktemp("films"), patients=36, films_per_patient=2, processes=1
    )


@pytest.fixture(scope="session")
def commands() -> Iterator[Commands]:
    """Calls of `python -m lab`, each a process of its own that need not import everything again."""
    with Commands() as started:
        yield started


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rows", action="store_true", help="after the tests, print rows and faults with their proof"
    )


# Files that take minutes go first: begun last, one of them would run alone while the other core waits.
LONGEST = ("test_journeys", "test_leakage_demo", "test_command_line", "test_gates_adherence", "test_library")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(
        key=lambda item: next((n for n, name in enumerate(LONGEST) if name in item.nodeid), len(LONGEST))
    )
    for item in items:
        for marker in item.iter_markers("row"):
            unknown = set(marker.args) - set(ROWS)
            if unknown:
                raise pytest.UsageError(f"{item.nodeid}: no acceptance row is called {sorted(unknown)}")


def _claims(item: pytest.Item) -> Iterator[str]:
    for marker in item.iter_markers("row"):
        yield from marker.args
    for marker in item.iter_markers("fault"):
        yield from (f"fault {number}" for number in marker.args)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()
    report.claims = tuple(_claims(item))


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    if not config.getoption("--rows"):
        return
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            for claim in getattr(report, "claims", ()):
                counts[claim][outcome] += 1
    terminalreporter.section("acceptance rows and faults")
    for name in ROWS + FAULTS:
        found = counts.get(name)
        text = ", ".join(f"{number} {outcome}" for outcome, number in found.items()) if found else "no test"
        terminalreporter.write_line(f"{name:10s} {text}")
    proven = sum(
        1 for name in ROWS + FAULTS if counts.get(name, {}).get("passed") and not counts[name].get("failed")
    )
    terminalreporter.write_line(f"{proven} of {len(ROWS + FAULTS)} rows and faults have passing tests")
