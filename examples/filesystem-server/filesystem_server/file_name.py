"""What a file of the shared folder may be called."""

import re
import unicodedata

__all__ = ["FileRefused", "parse_file_name"]

_MAX_CHARACTERS = 200
_MAX_DEPTH = 8
# The longest name that file systems store.
_MAX_PART_BYTES = 255

# What Windows takes for a device, whatever the ending and in whatever folder.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?: *\..*)?", re.IGNORECASE | re.DOTALL)


class FileRefused(Exception):  # noqa: N818, the word of the example in TypeScript
    """A name or a file is refused; the message is for the person or the model that asked."""


def parse_file_name(name: str) -> tuple[str, ...]:
    """Gives the parts of a relative name such as `notes/today.txt`.

    Only names of plain letters, digits, `.`, `_`, `-` and spaces are let through, each part beginning with a letter or
    digit: that leaves no way to say "up", "root", "drive", "hidden" or "stream" on any system.

    Raises:
        FileRefused: With what is wrong.
    """
    if name == "":
        raise FileRefused("The name is empty.")
    if len(name) > _MAX_CHARACTERS:
        raise FileRefused(f"The name is longer than {_MAX_CHARACTERS} characters.")
    if name.startswith(("/", "\\")) or re.match("[A-Za-z]:", name):
        raise FileRefused("The name must be relative to the shared folder.")
    parts = tuple(name.split("/"))
    if len(parts) > _MAX_DEPTH:
        raise FileRefused(f"The name has more than {_MAX_DEPTH} parts.")
    if ".." in parts:
        raise FileRefused("The name leads out of the shared folder.")
    # One way to write a letter, or two files could look the same.
    if not unicodedata.is_normalized("NFC", name) or not all(map(_is_plain_part, parts)):
        raise FileRefused(
            "The name may hold letters, digits, spaces and . _ - only, and begins with a letter or digit.",
        )
    if any(_RESERVED.fullmatch(part) for part in parts):
        raise FileRefused("The name is one that some systems reserve for a device.")
    if any(len(part.encode()) > _MAX_PART_BYTES for part in parts):
        raise FileRefused(f"A part of the name is longer than {_MAX_PART_BYTES} bytes.")
    return parts


def _is_plain_part(part: str) -> bool:
    if part == "" or part[-1] in " .":
        return False
    return _kind_of(part[0]) in "LN" and all(_kind_of(character) in "LMN" or character in " ._-" for character in part)


def _kind_of(character: str) -> str:
    """Letter, mark, number, or something else: the first letter of the Unicode category."""
    return unicodedata.category(character)[0]
