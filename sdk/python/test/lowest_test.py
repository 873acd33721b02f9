import os
import re
import subprocess

from environment import FOLDER, keep_environment

# What the package promises to work with is what these show; the others test tools of today as well.
FILES = ["test/contract_test.py", "test/middleware_test.py", "test/require_scopes_test.py"]


def test_o5_the_oldest_versions_that_the_metadata_allows_pass_the_same_tests() -> None:
    lock = FOLDER / "requirements-lowest.txt"
    python = keep_environment(FOLDER / ".venv-lowest", lock)
    # Without the settings, which are for a newer test framework.
    options = ["-c", os.devnull, "--rootdir=.", "--import-mode=importlib", "-o", "python_files=*_test.py", "-q"]
    paths = {"PYTHONPATH": os.pathsep.join(["src", "test"])}
    command = [python, "-m", "pytest", "-p", "no:cacheprovider", *options, *FILES]
    done = subprocess.run(command, cwd=FOLDER, env={**os.environ, **paths}, capture_output=True, text=True, check=False)
    assert re.search(r"^\d{3,} passed in ", done.stdout, re.MULTILINE), done.stdout


def test_o5_the_floors_of_the_lock_are_those_of_the_metadata() -> None:
    metadata = (FOLDER / "pyproject.toml").read_text("utf-8")
    lock = (FOLDER / "requirements-lowest.txt").read_text("utf-8")
    floors = re.findall(r'"(anyio|httpx|starlette|fastapi|joserfc)>=([\d.]+)"', metadata)
    assert len(floors) == 5
    for name, version in floors:
        assert re.search(rf"^{name}=={re.escape(version)}(\.0)* ", lock, re.MULTILINE), name
