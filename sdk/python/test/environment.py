"""Virtual environments that tests make."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1]

# Wheels alone: nothing that is installed gets to run code.
_INSTALL = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--only-binary", ":all:")


def find_python(version: str) -> str | None:
    """Gives the path of a Python of this version, as `3.10`: one on the PATH, or one that pyenv has put aside."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    aside = [str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python"))]
    for path in (sys.executable, f"python{version}", *aside):
        said = "import ensurepip, sys, venv; print(*sys.version_info[:2], sep='.')"
        try:
            done = subprocess.run([path, "-c", said], capture_output=True, text=True, check=False)
        except OSError:
            continue
        if done.stdout.strip() == version:
            return path
    return None


def make_environment(folder: Path, *install: str, base: str = sys.executable) -> Path:
    """Makes an environment with these packages and gives its Python; where no registry answers the test is skipped."""
    subprocess.run([base, "-m", "venv", "--clear", str(folder)], check=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    command = [python, *_INSTALL, *install]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        # A download may break off once; what came whole is in pip's cache by then.
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "connection broken" in done.stderr or "Failed to establish a new connection" in done.stderr:
        pytest.skip("the registry of packages cannot be reached")
    assert done.returncode == 0, done.stderr
    return python


def keep_environment(folder: Path, lock: Path, base: str = sys.executable) -> Path:
    """Makes an environment from a lock file with hashes, and again only when the lock has changed."""
    stamp_file = folder / "stamp"
    stamp = hashlib.sha256(base.encode() + lock.read_bytes()).hexdigest()
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if python.exists() and stamp_file.exists() and stamp_file.read_text("ascii") == stamp:
        return python
    make_environment(folder, "--require-hashes", "--no-deps", "-r", str(lock), base=base)
    stamp_file.write_text(stamp, "ascii")
    return python
