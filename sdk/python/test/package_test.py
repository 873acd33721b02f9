import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from email.parser import BytesParser
from pathlib import Path

import pytest
from environment import FOLDER, make_environment

ROOT = FOLDER.parents[1]
VERSION = re.findall(r'^version = "(.+)"$', (FOLDER / "pyproject.toml").read_text("utf-8"), re.MULTILINE)[0]
MODULES = sorted(path.name for path in (FOLDER / "src/auth_agent_mcp").iterdir() if path.suffix in (".py", ".typed"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Built aside, and as an installer does it: the sdist from the tree, the wheel from the sdist."""
    folder = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(FOLDER))
    yield folder
    shutil.rmtree(folder)


def run(*command: str, **env: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **env}, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def test_o6_the_wheel_holds_the_modules_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(only(built, "*.whl")) as wheel:
        names = wheel.namelist()
    assert sorted(name for name in names if ".dist-info/" not in name) == [f"auth_agent_mcp/{name}" for name in MODULES]
    metadata = [name.partition(".dist-info/")[2] for name in names if ".dist-info/" in name]
    assert sorted(metadata) == ["METADATA", "RECORD", "WHEEL", "licenses/LICENSE"]


def test_o6_the_modules_are_these() -> None:
    # A new one is to be noticed.
    assert (FOLDER / "test/modules.txt").read_text("ascii").split() == MODULES


def test_o6_the_sdist_holds_the_sources_and_nothing_else(built: Path) -> None:
    with tarfile.open(only(built, "*.tar.gz")) as sdist:
        names = [name.partition("/")[2] for name in sdist.getnames()]
    others = [".gitignore", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"]
    assert sorted(names) == sorted([*others, *(f"src/auth_agent_mcp/{name}" for name in MODULES)])


def test_o6_nothing_in_it_looks_like_a_secret(built: Path) -> None:
    with zipfile.ZipFile(only(built, "*.whl")) as wheel:
        text = b"".join(wheel.read(name) for name in wheel.namelist()).decode("utf-8")
    for prefix in ("sk_", "smt_", "srv_"):
        assert f"{prefix}…" in text
        assert not any(part[:8].isalnum() for part in text.split(prefix)[1:])


def test_it_depends_on_nothing_but_starlette_and_an_http_client(built: Path) -> None:
    with zipfile.ZipFile(only(built, "*.whl")) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith("METADATA"))
        metadata = BytesParser().parsebytes(wheel.read(name))
    needed = [str(one) for one in metadata.get_all("Requires-Dist", []) if "extra ==" not in str(one)]
    assert needed == ["anyio>=4.5", "httpx>=0.27", "starlette>=1.0.1"]
    assert metadata.get_all("Provides-Extra") == ["fastapi", "fastmcp", "jwt", "mcp"]


def test_it_is_right_for_a_registry_in_the_eyes_of_twine(built: Path) -> None:
    files = [str(path) for path in built.iterdir()]
    assert run(sys.executable, "-m", "twine", "check", "--strict", *files).count("PASSED") == 2


TRY_IT = """
import importlib.metadata, importlib.util
from auth_agent_mcp import AuthAgentConfigError, AuthAgentMiddleware, User, create_guard
assert not any(importlib.util.find_spec(name) for name in ("fastapi", "fastmcp", "joserfc", "mcp", "pydantic"))
try:
    create_guard(server_id="", api_key="")
except AuthAgentConfigError as error:
    print(error, importlib.metadata.version("auth-agent-mcp"))
"""


def test_it_can_be_installed_into_an_empty_environment(built: Path, tmp_path: Path) -> None:
    python = make_environment(tmp_path / "empty", str(only(built, "*.whl")))
    assert run(str(python), "-I", "-c", TRY_IT).strip() == f"server_id is missing {VERSION}"
    check_types_of_a_user(python, tmp_path)


USES_IT = """
from typing import assert_type

from auth_agent_mcp import Answer, AuthAgentMiddleware, User, create_guard, require_scopes
from starlette.applications import Starlette
from starlette.requests import Request

app = Starlette()
app.add_middleware(AuthAgentMiddleware, server_id="srv_1", api_key="sk_1", required_scopes=["files:read"])
app.add_middleware(AuthAgentMiddleware, server_id="srv_1", required_scope=["files:read"])
needs_write = require_scopes("files:write")
guard = create_guard(server_id="srv_1", cache_ttl_seconds="30")


async def handle(connection: Request) -> str | None:
    user = await needs_write(connection)
    assert_type(user, User)
    assert_type(user.email, str | None)
    decision = await guard.check(connection.scope, connection.receive)
    return None if isinstance(decision, Answer) else decision.access.user.sub
"""


def check_types_of_a_user(python: Path, folder: Path) -> None:
    """A strict type checker knows every type, and finds the two mistakes: a misspelled option and a wrong type."""
    (folder / "uses_it.py").write_text(USES_IT, "ascii")
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode":"strict","pythonVersion":"3.11"}', "ascii")
    command = [ROOT / "node_modules/.bin/pyright", "--pythonpath", python, "--outputjson", "-p", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    found = [error["range"]["start"]["line"] for error in json.loads(done.stdout)["generalDiagnostics"]]
    lines = USES_IT.splitlines()
    assert [lines[line] for line in found] == [
        line for line in lines if "required_scope=" in line or "cache_ttl" in line
    ]
