"""The words about the fields of records and errors, which uniffi leaves out of its Python: from the Rust sources."""

import re
from pathlib import Path

# `/// Words.` over `pub doc: String,` of a struct, or over `doc: String,` of a variant.
_FIELD = re.compile(r"((?:^ *///.*\n)+)(?:^ *#\[.*\]\n)*^ *(?:pub )?(\w+): ", re.M)
# To the brace that stands where it begins.
_OPENED = re.compile(r"^( *)(?:pub (?:struct|enum) )?(\w+) \{\n(.*?)^\1\}", re.M | re.S)

Words = dict[tuple[str, str], str]


def words(sources: Path) -> Words:
    """By the name of the record or variant, and the field's."""
    found: Words = {}
    for source in sorted(sources.glob("*.rs")):
        _collect(source.read_text(encoding="utf-8"), found)
    return found


def _collect(text: str, found: Words) -> None:
    for _, name, body in _OPENED.findall(text):
        for lines, field in _FIELD.findall(body):
            said = (line.strip().removeprefix("///").strip() for line in lines.splitlines())
            found.setdefault((name, field), " ".join(said))
        _collect(body, found)
