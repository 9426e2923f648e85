"""What Automerge's binary document format says of a file before its columns."""

import hashlib

MAGIC = bytes.fromhex("856f4a83")


def heads(file: bytes) -> set[str]:
    """The heads of the document, in hexadecimal; `ValueError` if the file is not whole."""
    if file[:4] != MAGIC:
        raise ValueError("no Automerge file")
    if hashlib.sha256(file[8:]).digest()[:4] != file[4:8]:
        raise ValueError("damaged")
    if file[8] != 0:
        raise ValueError("no document")
    length, at = _number(file, 9)
    if length != len(file) - at:
        raise ValueError("not of one piece")
    actors, at = _number(file, at)
    for _ in range(actors):
        size, at = _number(file, at)
        at += size
    count, at = _number(file, at)
    return {file[at + 32 * n : at + 32 * n + 32].hex() for n in range(count)}


def _number(file: bytes, at: int) -> tuple[int, int]:
    """LEB128, and where it ends."""
    number = shift = 0
    while True:
        byte = file[at]
        number, shift, at = number | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            return number, at
