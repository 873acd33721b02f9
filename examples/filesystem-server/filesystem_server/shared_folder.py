"""A folder that cannot be left: not by name, and not by a link that lies in it.

Everything is opened relative to the open folder above it and never through a link, so no check can be outrun by
exchanging a folder or a file for a link in between.
"""

import errno
import os
import secrets
import stat
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from filesystem_server.file_name import FileRefused, parse_file_name

__all__ = ["ListedFile", "SharedFolder", "open_shared_folder"]

MAX_FILE_BYTES = 262_144
MAX_FILES = 1_000


@dataclass(frozen=True)
class ListedFile:
    """One line of a listing."""

    name: str
    size_bytes: int
    modified_at: str


@dataclass(frozen=True)
class SharedFolder:
    """What can be done with the files in it."""

    descriptor: int

    def list(self) -> Sequence[ListedFile]:
        """Gives its regular files, at most 1,000, by name."""
        return _list_files(self.descriptor)

    def read(self, name: str) -> str:
        """Gives the text of a file.

        Raises:
            FileRefused: Where there is no such file, or none that is text of a reasonable size.
        """
        return _read_text(self.descriptor, name)

    def write(self, name: str, text: str) -> None:
        """Writes a file, or replaces one as a whole.

        Raises:
            FileRefused: Where the name, the text or what already stands there does not allow it.
        """
        _write_text(self.descriptor, name, text)

    def delete(self, name: str) -> None:
        """Deletes a file.

        Raises:
            FileRefused: Where there is no such file.
        """
        _delete_file(self.descriptor, name)

    def close(self) -> None:
        """Lets go of the folder; it cannot be used any more."""
        os.close(self.descriptor)


def open_shared_folder(folder: Path) -> SharedFolder:
    """Opens a folder for sharing.

    Raises:
        OSError: When there is no such folder.
        NotImplementedError: On a system that cannot open a file relative to an open folder, which is Windows.
    """
    if not {os.open, os.stat, os.rename, os.unlink} <= os.supports_dir_fd:
        raise NotImplementedError("this system cannot open files relative to a folder")
    return SharedFolder(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))


def _list_files(root: int) -> list[ListedFile]:
    listed: list[ListedFile] = []
    # fwalk opens each folder relative to the one above and does not enter links.
    for folder, folders, files, descriptor in os.fwalk(".", dir_fd=root):
        prefix = "" if folder == "." else f"{folder.removeprefix('./')}/"
        folders[:] = sorted(name for name in folders if _is_listable(prefix + name))
        for name in filter(_is_listable, (prefix + file for file in files)):
            status = _status_of(descriptor, name.removeprefix(prefix))
            # Links, sockets and devices are not shown.
            if status is not None and stat.S_ISREG(status.st_mode):
                listed.append(ListedFile(name, status.st_size, _iso_time(status.st_mtime)))
            if len(listed) == MAX_FILES:
                return sorted(listed, key=lambda file: file.name)
    return sorted(listed, key=lambda file: file.name)


def _is_listable(name: str) -> bool:
    try:
        parse_file_name(name)
    except FileRefused:
        return False  # a file that could not be read either
    return True


def _iso_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read_text(root: int, name: str) -> str:
    with _folder_of(root, name) as (folder, last):
        # Looked at before it is opened, because opening a pipe or a device does something already.
        if kind_of(folder, last) != "file":
            raise FileRefused(f"There is no file {name}.")
        # Should the file be exchanged this moment: for a link, opening fails; for a pipe, it does not hang.
        descriptor = _open_below(folder, last, os.O_NONBLOCK)
    if descriptor is None:
        raise FileRefused(f"There is no file {name}.")
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileRefused(f"There is no file {name}.")
        # One byte more than is allowed, whatever the size was a moment ago.
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise FileRefused(f"{name} is larger than {MAX_FILE_BYTES} bytes.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileRefused(f"{name} is no text file.") from None


def _write_text(root: int, name: str, text: str) -> None:
    content = _encode(text)
    with _folder_of(root, name) as (folder, last):
        kind = kind_of(folder, last)
        if kind == "other":
            raise FileRefused(f"{name} exists and is no file.")
        if kind == "nothing" and len(_list_files(root)) >= MAX_FILES:
            raise FileRefused("The folder is full.")
        # Written beside and renamed: renaming replaces a link instead of following it, and nobody reads half a file.
        beside = f".{secrets.token_hex(16)}.part"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        descriptor = os.open(beside, flags, 0o600, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.rename(beside, last, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(beside, dir_fd=folder)
            raise


def _encode(text: str) -> bytes:
    try:
        content = text.encode()
    except UnicodeEncodeError:
        raise FileRefused("The text is not valid Unicode.") from None
    if len(content) > MAX_FILE_BYTES:
        raise FileRefused(f"The text is larger than {MAX_FILE_BYTES} bytes.")
    return content


def _delete_file(root: int, name: str) -> None:
    with _folder_of(root, name) as (folder, last):
        if kind_of(folder, last) != "file":
            raise FileRefused(f"There is no file {name}.")
        # Should it be exchanged for a link this moment, the link goes and not what it points to.
        os.unlink(last, dir_fd=folder)


@contextmanager
def _folder_of(root: int, name: str) -> Generator[tuple[int, str], None, None]:
    """The open folder in which a name lies, reached part by part without following a link, and its last part."""
    *folders, last = parse_file_name(name)
    descriptor = os.dup(root)
    try:
        for part in folders:
            below = _open_below(descriptor, part, os.O_DIRECTORY)
            if below is None:
                raise FileRefused(f"There is no folder for {name}.")
            os.close(descriptor)
            descriptor = below
        yield descriptor, last
    finally:
        os.close(descriptor)


def _open_below(folder: int, name: str, flags: int) -> int | None:
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | flags, dir_fd=folder)
    except OSError as error:
        # A link is ELOOP, or ENOTDIR where a folder was asked for.
        if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
            return None
        raise


def kind_of(folder: int, name: str) -> Literal["file", "nothing", "other"]:
    status = _status_of(folder, name)
    if status is None:
        return "nothing"
    return "file" if stat.S_ISREG(status.st_mode) else "other"


def _status_of(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
