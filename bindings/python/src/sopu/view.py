"""What a form shows, whichever way it reads and saves."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from .edits import carried
from .native import (
    Clash,
    Conflict,
    Document,
    Ignored,
    Kind,
    Provenance,
    SopuError,
    StatusMark,
)
from .native import Saved as NativeSaved
from .records import Content

T = TypeVar("T", bound=Content | dict[str, Any])
"""What a form shows: a kind's own type, or a dict of its JSON form."""


@dataclass(frozen=True)
class Choice:
    """One of the values of a field that two people set concurrently."""

    path: str
    """The field."""
    value: Any
    """What was set; None is an emptied field, or a value this version does not understand."""
    change: str
    """The change that wrote it."""
    provenance: Provenance
    """Who, on what, when."""


@dataclass(frozen=True)
class RemovedItem:
    """An item that somebody removed; it comes back by being handed in again."""

    field: str
    """The field's path, `"tasks"`."""
    key: str
    """The item's key."""
    value: Any
    """Its content in the JSON form."""


@dataclass(frozen=True)
class Save:
    """What a save did."""

    changed: bool
    """Whether anything differed."""
    ignored: list[Ignored]
    """Parts that the merge rules did not let it write: tell the person."""
    merged: bool
    """Whether the form's value is now another than the one saved: show it again."""


class View(Generic[T]):
    """What a form shows. Edit `value`, then save; a save writes the differences to what was read, nothing
    else, so a form that stayed open for an hour does not undo a colleague.

    What is edited while a call is under way stays, on what the call brought, and goes with the next save.
    Then `value` may be another object than before: go through the form for each edit.
    """

    id: str
    """The document."""
    space: str
    """The space it lives in."""
    kind: Kind
    """Of which kind."""
    value: T
    """The content, for editing."""
    version: str
    """What the next save is made at."""
    status: dict[str, StatusMark]
    """Where each status stands, by its field's path."""
    conflicts: dict[str, list[Choice]]
    """Fields that wait for a person's choice, the value shown last."""
    removed: list[RemovedItem]
    """Items that can be brought back."""
    unknown: list[str]
    """Fields that hold something of a later version; it is kept."""
    log_clashes: list[Clash]
    """Log keys with unequal values."""

    def __init__(self, content: type[T]) -> None:
        self._content = content
        # As last read or saved, in the JSON form.
        self._shown = ""
        # Rises when others' work comes into what is shown.
        self._arrivals = 0
        self._last: Document | None = None
        self._editing = threading.RLock()

    @contextlib.contextmanager
    def edit(self) -> Iterator[T]:
        """Holds `value` still, for editing it on another thread than the one that saves:

            with form.edit() as value:
                value.summary = text

        Nothing that takes time belongs into it.
        """
        with self._editing:
            yield self.value

    @property
    def edited(self) -> bool:
        """Whether `value` says anything else than what was read or saved."""
        return self._json() != self._shown

    def _show(self, document: Document, since: str | None) -> None:
        expected = getattr(self._content, "KIND", document.kind)
        if document.kind != expected:
            raise TypeError(f"the document is a {document.kind.name}, not a {expected.name}")
        self.id, self.space, self.kind = document.id, document.space, document.kind
        self.version = document.version
        self.status = {mark.path: mark for mark in document.status}
        self.conflicts = {one.path: choices(one) for one in document.conflicts}
        self.removed = [
            RemovedItem(one.field, one.key, json.loads(one.value)) for one in document.removed
        ]
        self.unknown, self.log_clashes = document.unknown, document.log_clashes
        self._last = document
        self._take(document.value, since)

    def _showed(self, document: Document, since: str | None) -> bool:
        """Shows this, unless it was read before and nothing saved since; gives whether something else is shown."""
        if document == self._last and document.version == self.version:
            return False
        before = self._facts()
        self._show(document, since)
        return self._facts() != before

    def _facts(self) -> tuple[Any, ...]:
        clashes = self.removed, self.unknown, self.log_clashes
        return self._shown, self.status, self.conflicts, *clashes

    def _take(self, text: str, since: str | None) -> None:
        """Shows this, with what was edited since the value was `since`."""
        value = self._read(text)
        shown = to_json(value)
        with self._editing:
            self._arrivals += shown != self._shown
            try:
                if since is not None and (now := self._json()) != since:
                    value = self._typed(carried(*map(json.loads, (since, now, shown))))
            finally:
                # Whatever was typed: from now on saves are made at its version.
                self.value, self._shown = value, shown

    def _read(self, text: str) -> T:
        return self._typed(json.loads(text))

    def _typed(self, value: Any) -> T:
        if issubclass(self._content, Content):
            value = self._content.from_value(value)
        return cast(T, value)

    def _json(self) -> str:
        with self._editing:
            return to_json(self.value)

    def _before(self) -> str | None:
        """What `value` says, to tell later what was edited since; None if it cannot be written anyway."""
        try:
            return self._json()
        except (TypeError, ValueError):
            return None

    def _seen(self, arrivals: int | None) -> None:
        """`ReadAgain` if others' work has come to be shown since there were so many."""
        if arrivals is not None and arrivals != self._arrivals:
            raise SopuError.ReadAgain

    def _saved(self, written: str, saved: NativeSaved) -> Save:
        self.version = saved.version
        self._shown = written
        if saved.merged is not None:
            self._take(saved.merged, written)
        return Save(saved.changed, saved.ignored, saved.merged is not None)


def choices(conflict: Conflict) -> list[Choice]:
    """The live values of a conflict."""
    return [
        Choice(conflict.path, json.loads(one.value), one.change, one.provenance)
        for one in conflict.values
    ]


def to_json(content: Content | dict[str, Any]) -> str:
    """The JSON form of a content."""
    value = content.to_value() if isinstance(content, Content) else content
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
