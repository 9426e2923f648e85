"""Writes the API reference of the installed package with pdoc: reference.py DIR

pdoc finds no words about the fields of what uniffi generated, nor all of the fields: they are put in here.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import pdoc
from pdoc import doc, doc_pyi

from words import words

MODULES = ["sopu", "sopu.aio", "sopu.documents"]
_SAID = words(Path(__file__).resolve().parents[1] / "src")

_stubs: Callable[[doc.Module], None] = doc_pyi.include_typeinfo_from_stub_files


def module(name: str) -> doc.Module:
    """What the reference says of a module."""
    return doc.Module.from_name(name)


def _complete(module: doc.Module) -> None:
    """Called once the members of a module are known."""
    _stubs(module)
    for member in module.members.values():
        if isinstance(member, doc.Class) and member.taken_from[0].startswith("sopu.native"):
            _fields(member)
            # An error has its variants within, which inherit one another.
            for variant in member.members.values():
                if isinstance(variant, doc.Class):
                    _fields(variant)


def _fields(of: doc.Class) -> None:
    for (name, field), text in _SAID.items():
        if name != of.name:
            continue
        if field not in of.members:
            of.members[field] = doc.Variable(
                of.modulename,
                f"{of.qualname}.{field}",
                taken_from=(of.modulename, f"{of.qualname}.{field}"),
                docstring=text,
            )
        of.members[field].docstring = of.members[field].docstring or text


doc_pyi.include_typeinfo_from_stub_files = _complete


if __name__ == "__main__":
    pdoc.pdoc(*MODULES, output_directory=Path(sys.argv[1]))
