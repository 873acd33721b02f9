import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from environment import FOLDER, find_python, keep_environment
from lowest_test import FILES

OLDEST = "3.10"
# The newest comes first. Which one a machine has is in the name of the test.
LATER = (f"3.{minor}" for minor in range(20, 10, -1))
NEWEST = next(((version, path) for version in LATER if (path := find_python(version))), None)
OLDEST_HERE = find_python(OLDEST)
TRIED = {**({OLDEST: OLDEST_HERE} if OLDEST_HERE else {}), **(dict([NEWEST]) if NEWEST else {})}


def build_wheel(folder: Path) -> str:
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder), str(FOLDER)]
    subprocess.run(command, capture_output=True, check=True)
    (wheel,) = folder.glob("*.whl")
    return str(wheel)


def test_o5_the_oldest_python_is_tried_wherever_every_runtime_is_promised() -> None:
    assert f'requires-python = ">={OLDEST}"' in (FOLDER / "pyproject.toml").read_text("utf-8")
    if os.environ.get("EVERY_RUNTIME"):
        assert OLDEST in TRIED
        assert len(TRIED) == 2


@pytest.mark.parametrize("version", TRIED)
def test_o5_the_wheel_installed_on_this_python_passes_the_same_tests(version: str, tmp_path: Path) -> None:
    base = TRIED[version]
    python = keep_environment(FOLDER / f".venv-{version}", FOLDER / "requirements-dev.txt", base)
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--force-reinstall"]
    subprocess.run([python, *install, build_wheel(tmp_path)], check=True)
    options = ["-c", os.devnull, "--rootdir=.", "--import-mode=importlib", "-o", "python_files=*_test.py", "-q"]
    # Not beside the sources: what is imported is what was installed.
    command = [python, "-m", "pytest", "-p", "no:cacheprovider", *options, *FILES]
    env = {**os.environ, "PYTHONPATH": "test"}
    done = subprocess.run(command, cwd=FOLDER, env=env, capture_output=True, text=True, check=False)
    assert re.search(r"^\d{3,} passed in ", done.stdout, re.MULTILINE), done.stdout + done.stderr
    said = "import auth_agent_mcp, json, sys; print(json.dumps([auth_agent_mcp.__file__, sys.version_info[:2]]))"
    where, (major, minor) = json.loads(subprocess.check_output([python, "-c", said], env=env))
    assert f"/.venv-{version}/" in where.replace(os.sep, "/")
    assert f"{major}.{minor}" == version
