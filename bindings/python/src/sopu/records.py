"""How the typed records of `documents` read and write the JSON form.

Reading is lenient: a value of the wrong type costs that field, never the document, and a field that is not
known is passed over; the store keeps both. Writing leaves out what is absent.
"""

import dataclasses
import uuid
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Self, TypeVar

from .native import Kind

T = TypeVar("T")

_SHAPE = "sopu"
# What a field of 64 bits holds.
_INTS = range(-(2**63), 2**63)


@dataclass
class Localized(Generic[T]):
    """One value for each language a document is written in."""

    fi: T
    """Finnish."""
    sv: T
    """Swedish."""
    en: T
    """English."""

    def each(self) -> dict[str, T]:
        """Each language's code and value, in the order readers expect."""
        return {"fi": self.fi, "sv": self.sv, "en": self.en}


class _Unreadable(Exception):
    """The value is of another type."""


@dataclass(frozen=True)
class _Shape:
    """A field: its name in the JSON form, and what it holds, from the outside in."""

    json: str
    types: tuple[Any, ...]
    text: bool
    inline: bool

    def empty(self) -> Any:
        """What an absent one reads as."""
        if self.text or self.inline or self.types[0] in (list, set, dict, Localized):
            return _empty(self.types, self.text)
        return None

    def read(self, value: Any) -> Any:
        """What the value means; an absent one if it is of another type."""
        try:
            return _read(self.types, value)
        except _Unreadable:
            return self.empty()

    def write(self, value: Any) -> Any:
        """The JSON form; None for what is not written."""
        written = None if value is None else _write(value)
        optional = len(self.types) == 1 and not self.text and not self.inline
        return written if optional else written or None


def of(json_name: str, *types: Any, text: bool = False, inline: bool = False) -> Any:
    """A field of a record: its name in the JSON form and its type, `list, str` for a list of strings.

    A `text` is never absent but empty; so is a record that is `inline`.
    """
    shape = _Shape(json_name, types, text, inline)
    return field(default_factory=shape.empty, metadata={_SHAPE: shape})


def _empty(types: tuple[Any, ...], text: bool) -> Any:
    if types[0] is Localized:
        inner = types[1:]
        return Localized(*(_empty(inner, inner == (str,)) for _ in range(3)))
    return "" if text else types[0]()


def _read(types: tuple[Any, ...], value: Any) -> Any:
    kind, inner = types[0], types[1:]
    if kind is Localized:
        if not isinstance(value, dict):
            raise _Unreadable
        shape = _Shape("", inner, text=inner == (str,), inline=False)
        return Localized(*(shape.read(value.get(code)) for code in ("fi", "sv", "en")))
    if kind is dict:
        return _items(inner, value)
    if kind in (list, set):
        if not isinstance(value, list):
            raise _Unreadable
        return kind(_read(inner, one) for one in value)
    if issubclass(kind, Record):
        return kind.from_value(value)
    if not isinstance(value, kind) or (kind is int and value not in _INTS):
        raise _Unreadable
    # True is an int in Python.
    if isinstance(value, bool) and kind is not bool:
        raise _Unreadable
    return value


def _items(types: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """Those under an id that can be read."""
    if not isinstance(value, dict):
        raise _Unreadable
    items = {}
    for key, one in value.items():
        try:
            items[str(uuid.UUID(key))] = _read(types, one)
        except (ValueError, _Unreadable):
            continue
    return items


def _write(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_value()
    if isinstance(value, Localized):
        written = {code: _write(one) for code, one in value.each().items()}
        return {code: one for code, one in written.items() if one}
    if isinstance(value, dict):
        return {key: _write(one) for key, one in sorted(value.items())}
    if isinstance(value, (set, frozenset)):
        return sorted(_write(one) for one in value)
    if isinstance(value, (list, tuple)):
        return [_write(one) for one in value]
    return value


@dataclass
class Record:
    """An object of named fields."""

    @classmethod
    def from_value(cls, value: Any) -> Self:
        """The record of a JSON object; `_Unreadable` for anything else is turned into absence by its reader."""
        if not isinstance(value, dict):
            raise _Unreadable
        read = {}
        for one in dataclasses.fields(cls):
            shape: _Shape = one.metadata[_SHAPE]
            if shape.json in value:
                read[one.name] = shape.read(value[shape.json])
        return cls(**read)

    def to_value(self) -> dict[str, Any]:
        """The JSON object, without what is absent."""
        written = {}
        for one in dataclasses.fields(self):
            shape: _Shape = one.metadata[_SHAPE]
            value = shape.write(getattr(self, one.name))
            if value is not None:
                written[shape.json] = value
        return written


@dataclass
class Content(Record):
    """The content of a document of one kind."""

    KIND: ClassVar[Kind]
    """Which."""
