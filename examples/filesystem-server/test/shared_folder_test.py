"""What the shared folder lets through, and what it refuses."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from filesystem_server import shared_folder
from filesystem_server.file_name import FileRefused
from filesystem_server.shared_folder import SharedFolder, open_shared_folder


class Place:
    """A shared folder, and what lies around it."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.root = base / "root"
        (self.root / "sub").mkdir(parents=True)
        (base / "secret.txt").write_text("secret")
        (self.root / "a.txt").write_text("a")
        self.folder: SharedFolder = open_shared_folder(self.root)

    def read_or_refused(self, name: str) -> str:
        try:
            return self.folder.read(name)
        except FileRefused:
            return "refused"

    def names(self) -> list[str]:
        return [file.name for file in self.folder.list()]

    def acts(self) -> list[Callable[[str], object]]:
        return [self.folder.read, self.write_x, self.folder.delete]

    def write_x(self, name: str) -> None:
        self.folder.write(name, "x")

    def entries(self) -> list[str]:
        return sorted(entry.name for entry in self.root.iterdir())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.folder.close()


OUTSIDE = [
    "../secret.txt",
    "sub/../../secret.txt",
    "/etc/passwd",
    "\\etc",
    "C:\\x",
    "c:/x",
    "./a.txt",
    "sub/./a",
    "sub//a",
    "sub/",
    "..",
    ".",
    "",
    ".git/config",
    "a\0.txt",
    "a\n",
    "a\u202etxt",
    "a\\b",
    "~/x",
    "%2e%2e/x",
    "a:stream",
    "a.",
    "a ",
    " a",
    "e\u0301.txt",
    "x" * 201,
    "ü" * 128,
    "a/b/c/d/e/f/g/h/i",
    "\ud800",
    "*",
    "a?b",
    "../root/a.txt",
    "..\\secret.txt",
    "a\u2028b",
    "a\u200db",
    "CON",
    "sub/nul.txt",
    "com1",
    "Lpt9.tar.gz",
    "aux .md",
]


@pytest.mark.parametrize("name", OUTSIDE, ids=ascii)
def test_refuses_to_read_write_or_delete(place: Place, name: str) -> None:
    for act in place.acts():
        with pytest.raises(FileRefused):
            act(name)
    assert (place.base / "secret.txt").read_text() == "secret"
    assert place.entries() == ["a.txt", "sub"]


def test_does_not_follow_a_link_to_a_file(place: Place) -> None:
    (place.root / "link.txt").symlink_to(place.base / "secret.txt")
    with pytest.raises(FileRefused, match=r"^There is no file link\.txt\.$"):
        place.folder.read("link.txt")
    with pytest.raises(FileRefused, match=r"^link\.txt exists and is no file\.$"):
        place.folder.write("link.txt", "x")
    with pytest.raises(FileRefused, match=r"^There is no file link\.txt\.$"):
        place.folder.delete("link.txt")
    assert (place.base / "secret.txt").read_text() == "secret"


def test_does_not_follow_a_link_to_a_folder_and_does_not_list_what_is_behind_it(place: Place) -> None:
    (place.root / "out").symlink_to(place.base)
    (place.root / "round").symlink_to(place.root)
    for act in place.acts():
        with pytest.raises(FileRefused, match=r"^There is no folder for out/secret\.txt\.$"):
            act("out/secret.txt")
    assert (place.base / "secret.txt").read_text() == "secret"
    assert place.names() == ["a.txt"]


def exchange(path: Path, target: Path) -> None:
    """Puts a link where something else stood."""
    path.rename(path.with_name(f".{path.name}.away"))
    path.symlink_to(target)


def test_does_not_follow_a_link_put_in_between_look_and_use(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    look = shared_folder.kind_of

    def look_and_exchange(folder: int, name: str) -> str:
        kind = look(folder, name)
        exchange(place.root / "a.txt", place.base / "secret.txt")
        return kind

    monkeypatch.setattr(shared_folder, "kind_of", look_and_exchange)
    with pytest.raises(FileRefused, match=r"There is no file a\.txt\."):
        place.folder.read("a.txt")
    (place.root / "a.txt").unlink()
    (place.root / "a.txt").write_text("a")
    place.folder.write("a.txt", "new")
    assert (place.root / "a.txt").read_text() == "new"
    assert not (place.root / "a.txt").is_symlink()
    place.folder.delete("a.txt")
    assert not (place.root / "a.txt").is_symlink()
    assert (place.base / "secret.txt").read_text() == "secret"


def test_stays_in_its_folder_when_that_is_exchanged_for_a_link_in_between(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place.root / "sub" / "secret.txt").write_text("own")
    look = shared_folder.kind_of

    def look_and_exchange(folder: int, name: str) -> str:
        if not (place.root / "sub").is_symlink():
            exchange(place.root / "sub", place.base)
        return look(folder, name)

    monkeypatch.setattr(shared_folder, "kind_of", look_and_exchange)
    assert place.folder.read("sub/secret.txt") == "own"
    with pytest.raises(FileRefused, match="There is no folder"):
        place.folder.write("sub/secret.txt", "x")
    assert (place.base / "secret.txt").read_text() == "secret"


def test_never_gives_away_what_is_outside_while_links_come_and_go(place: Place) -> None:
    own, foreign = place.root / "sub", place.root / "foreign"
    (own / "secret.txt").write_text("own")
    foreign.symlink_to(place.base)
    is_over = threading.Event()

    def swap() -> None:
        aside = place.root / "aside"
        while not is_over.is_set():
            for one, other in ((own, aside), (foreign, own), (own, foreign), (aside, own)):
                one.rename(other)

    swapping = threading.Thread(target=swap)
    swapping.start()
    seen: set[str] = set()
    try:
        # Three thousand times, and on until the own file was there once: whose turn it is, is the system's to say.
        for number in range(300_000):
            seen.add(place.read_or_refused("sub/secret.txt"))
            if number >= 3_000 and "own" in seen:
                break
    finally:
        is_over.set()
        swapping.join()
    assert seen <= {"own", "refused"}
    assert "own" in seen


def test_does_not_read_a_folder_a_pipe_a_socket_or_a_file_that_is_not_there(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.root)  # the path of a socket has to be short
    os.mkfifo(place.root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        for name in ("sub", "pipe", "socket", "nothing.txt"):
            with pytest.raises(FileRefused, match=f"There is no file {name}"):
                place.folder.read(name)
            with pytest.raises(FileRefused, match=f"There is no file {name}"):
                place.folder.delete(name)
        for name in ("sub", "pipe", "socket"):
            with pytest.raises(FileRefused, match="exists and is no file"):
                place.folder.write(name, "x")
        assert place.names() == ["a.txt"]


def test_refuses_huge_files_and_huge_texts_and_leaves_nothing_behind(place: Place) -> None:
    # A hole of a terabyte takes no room, and would take all memory if it were read.
    with (place.root / "huge.txt").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(FileRefused, match=r"huge\.txt is larger than 262144 bytes\."):
        place.folder.read("huge.txt")
    with pytest.raises(FileRefused, match="larger than 262144 bytes"):
        place.folder.write("new.txt", "é" * 131_073)
    assert place.entries() == ["a.txt", "huge.txt", "sub"]


def test_refuses_more_files_than_it_lists(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_folder, "MAX_FILES", 2)
    place.folder.write("b.txt", "b")
    with pytest.raises(FileRefused, match=r"The folder is full\."):
        place.folder.write("c.txt", "c")
    place.folder.write("b.txt", "again")
    assert place.names() == ["a.txt", "b.txt"]


def test_refuses_what_is_no_text(place: Place) -> None:
    (place.root / "image.png").write_bytes(b"\xff\xfe\0")
    with pytest.raises(FileRefused, match=r"image\.png is no text file\."):
        place.folder.read("image.png")
    with pytest.raises(FileRefused, match=r"The text is not valid Unicode\."):
        place.folder.write("new.txt", "\ud800")
    assert place.entries() == ["a.txt", "image.png", "sub"]


def test_writes_a_new_file_and_replaces_an_old_one_as_a_whole_without_touching_its_other_names(place: Place) -> None:
    (place.base / "same-file.txt").hardlink_to(place.root / "a.txt")
    place.folder.write("a.txt", "new")
    place.folder.write("sub/Größe 2.txt", "ü")
    assert place.folder.read("a.txt") == "new"
    assert (place.base / "same-file.txt").read_text() == "a"
    assert place.folder.read("sub/Größe 2.txt") == "ü"
    assert place.names() == ["a.txt", "sub/Größe 2.txt"]


def test_deletes_a_file_and_nothing_else(place: Place) -> None:
    place.folder.write("sub/b.txt", "b")
    place.folder.delete("sub/b.txt")
    assert place.names() == ["a.txt"]
    with pytest.raises(FileRefused, match=r"There is no file sub/b\.txt\."):
        place.folder.delete("sub/b.txt")
    with pytest.raises(FileRefused, match=r"There is no file sub\."):
        place.folder.delete("sub")
    assert place.entries() == ["a.txt", "sub"]
