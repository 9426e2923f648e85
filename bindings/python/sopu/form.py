"""A document as a form holds it open."""

import json
from dataclasses import dataclass
from typing import Any

from .native import Kind, Provenance, Saved, SopuDevice


@dataclass(frozen=True)
class Choice:
    """One of the values of a field that two people set concurrently."""

    path: str
    value: Any
    change: str
    provenance: Provenance


class Form:
    """A document open for reading and writing. Change `value`, then `save()`.

    A save writes the differences to what was read, nothing else, so a form that stayed open for an
    hour does not undo a colleague. What others wrote meanwhile shows after `refresh()`.
    """

    def __init__(self, device: SopuDevice, doc: str):
        self.device = device
        self.id = doc
        self.refresh()

    @classmethod
    def new(
        cls, device: SopuDevice, space: str, kind: Kind, value: dict[str, Any]
    ) -> "Form":
        """Makes a document and opens it."""
        return cls(device, device.create(space, kind, json.dumps(value)).id)

    def __enter__(self) -> "Form":
        self.device.form_opened(self.id)
        return self

    def __exit__(self, *_: object) -> None:
        self.device.form_closed(self.id)

    def refresh(self) -> None:
        """Reads the document as it stands now; unsaved edits of `value` are forgotten."""
        document = self.device.read(self.id)
        self.space = document.space
        self.kind = document.kind
        self.version = document.version
        self.value: dict[str, Any] = json.loads(document.value)
        self.status = {mark.path: mark for mark in document.status}
        self.conflicts = {
            conflict.path: [
                Choice(conflict.path, json.loads(v.value), v.change, v.provenance)
                for v in conflict.values
            ]
            for conflict in document.conflicts
        }

    def save(self) -> Saved:
        """Saves the differences; durable when it returns."""
        saved = self.device.save(self.id, self.version, json.dumps(self.value))
        self.version = saved.version
        if saved.merged is not None:
            self.value = json.loads(saved.merged)
        return saved

    def choose(self, choice: Choice) -> None:
        """Settles a conflict and reads the document again."""
        self.device.choose(self.id, self.version, choice.path, choice.change)
        self.refresh()
