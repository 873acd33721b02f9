"""What the linter does not count."""

import ast
from pathlib import Path

import pytest
from environment import FOLDER

SOURCES = sorted((FOLDER / "src").rglob("*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_function_has_more_than_40_lines_and_no_file_more_than_250(source: Path) -> None:
    text = source.read_text("utf-8")
    assert len(text.splitlines()) <= 250
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 40, node.name


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_what_is_public_says_what_it_raises(source: Path) -> None:
    """A docstring names each error that its function raises itself, but for the ones that are caught there."""
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        raised = {call.func.id for call in _raised_by(node) if isinstance(call.func, ast.Name)}
        said = ast.get_docstring(node) or ""
        assert {name for name in raised if name.lstrip("_") not in said} == set(), node.name


def _raised_by(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.Call]:
    found: list[ast.Call] = []
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        part = waiting.pop()
        # What an inner function raises is its own.
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(part, ast.Raise) and isinstance(part.exc, ast.Call):
            found.append(part.exc)
        waiting += ast.iter_child_nodes(part)
    return found
