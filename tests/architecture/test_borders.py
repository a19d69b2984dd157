"""The import borders and size limits of the design, held by tests instead of by habit."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAB = sorted((ROOT / "lab").rglob("*.py"))
PAGES = sorted((ROOT / "pages").glob("*.py"))
LIGHT = {"numpy", "pandas", "lab", "typing_extensions"}
# Modules whose whole job is one light library may import it at their top.
ALLOWED_TOPS = {
    "PIL": ("lab/data", "lab/generators"),
    "sqlalchemy": ("lab/runs", "lab/data"),
    "plotly": ("lab/charts", "lab/ui"),
    "typer": ("lab/commands",),
    "streamlit": ("lab/ui",),
    "starlette": ("lab/ui/web.py",),
}


def _top_imports(path: Path) -> set[str]:
    """Packages imported when the module is loaded (functions and TYPE_CHECKING blocks left out)."""
    found: set[str] = set()

    def visit(nodes: list[ast.stmt]) -> None:
        for node in nodes:
            if isinstance(node, ast.Import):
                found.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
            elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.dump(node.test):
                visit(node.body + node.orelse)
            elif isinstance(node, ast.Try):
                visit(node.body + node.orelse + node.finalbody)
            elif isinstance(node, ast.ClassDef):
                visit(node.body)

    visit(ast.parse(path.read_text()).body)
    return found


def test_module_tops_import_only_light_packages() -> None:
    heavy = []
    for path in LAB:
        relative = path.relative_to(ROOT).as_posix()
        for name in _top_imports(path) - set(sys.stdlib_module_names) - LIGHT:
            if not relative.startswith(ALLOWED_TOPS.get(name, ("nowhere",))):
                heavy.append(f"{relative} imports {name} at its top")
    assert not heavy


@pytest.mark.parametrize("blocked", [["streamlit"], ["torch", "umap", "diffusers", "transformers", "faiss"]])
def test_core_imports_with_packages_blocked(blocked: list[str]) -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in LAB
        if path.name != "__main__.py" and (blocked != ["streamlit"] or "lab/ui" not in path.as_posix())
    ]
    code = (
        f"import sys, importlib\nfor name in {blocked!r}: sys.modules[name] = None\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


def test_device_literals_stand_in_one_module() -> None:
    device = re.compile(r"(cuda(:\d+)?|cpu|mps)\Z")
    for path in LAB + PAGES:
        if path == ROOT / "lab" / "device.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not device.match(node.value), f"{path.relative_to(ROOT)}:{node.lineno} names a device"


def test_no_unsafe_loading_and_no_bare_except() -> None:
    forbidden = [
        r"\bimport pickle\b",
        r"trust_remote_code\s*=\s*True",
        r"allow_pickle\s*=\s*True",
        r"^\s*except\s*:",
        r"weights_only\s*=\s*False",
        r"use_safetensors\s*=\s*False",
        r"LOAD_TRUNCATED_IMAGES\s*=\s*True",
    ]
    for path in LAB + PAGES:
        text = path.read_text()
        for pattern in forbidden:
            assert not re.search(pattern, text, re.MULTILINE), f"{path.relative_to(ROOT)} matches {pattern}"


def test_files_and_functions_stay_small() -> None:
    for path in LAB + PAGES:
        text = path.read_text()
        assert len(text.splitlines()) <= 300, f"{path.relative_to(ROOT)} is too long"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1 - _docstring_lines(node)
                assert length <= 50, f"{path.relative_to(ROOT)}: {node.name} has {length} lines of code"


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    is_text = (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
    return (first.end_lineno or 0) - first.lineno + 1 if is_text else 0


def test_pages_are_thin() -> None:
    for path in PAGES:
        lines = len(path.read_text().splitlines())
        assert lines <= 130, f"{path.name} has {lines} lines"
        assert not _top_imports(path) - set(sys.stdlib_module_names) - {"lab", "streamlit", "pandas", "numpy"}


def test_project_files_speak_of_the_project_alone() -> None:
    forbidden = re.compile(
        r"/work/|\.library\b|pypi\.org|registry\.npmjs|files\.pythonhosted|deb\.debian", re.IGNORECASE
    )
    suffixes = {".py", ".md", ".toml", ".txt", ".js", ".css", ".json", ".sh", ".yml", ""}
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    for name in filter(None, listed):
        path = ROOT / name
        if (
            path.suffix in suffixes
            and path.is_file()
            and path != Path(__file__)
            and path.name != "LICENSE"
            and path.stat().st_size < 400_000
        ):
            match = forbidden.search(path.read_text(errors="ignore"))
            assert not match, f"{name} names {match.group()!r}" if match else ""
