"""A document as a form holds it open."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .changes import Waiting
from .keeping import Keeping
from .native import Problem, SigningState, SopuDevice, SopuError, Statement
from .native import Saved as NativeSaved
from .view import Choice, Save, T, View

if TYPE_CHECKING:
    from .device import Device


class Form(View[T]):
    """A document open for reading and writing; `Device.create` and `Device.form` give it.

    `with` keeps the document loaded while it is open. Calls from several threads take turns; a thread that
    edits while another calls does so within `edit`.
    """

    def __init__(self, device: "Device", doc: str, content: type[T]) -> None:
        super().__init__(content)
        self._device = device
        self.id = doc
        self._turn = threading.RLock()
        self._reread(None)

    def __enter__(self) -> Self:
        self._device.native.form_opened(self.id)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._device.native.form_closed(self.id)
        except SopuError.Closed:
            pass

    def refresh(self) -> None:
        """Reads the document as it stands now; what was edited before and not saved is forgotten."""
        with self._turn:
            self._reread(self._before())

    def keep_fresh(self, on_shown: Callable[[], None] | None = None) -> Keeping:
        """Shows what others write, whenever nothing is unsaved here, on a thread of its own until the result is
        stopped, or the device closed. `on_shown` is told on that thread whenever something else is shown:

            with form.keep_fresh():
                ...

        What makes the person leave the page, such as `Erased`, ends it and is in its `error`.
        """
        return Keeping(_Freshness(self, on_shown), "sopu-fresh")

    def save(self) -> Save:
        """Saves the differences; durable when it returns."""
        with self._turn:
            written = self._json()
            saved = self._device._write(lambda native: native.save(self.id, self.version, written))
            return self._saved(written, saved)

    def choose(self, choice: Choice) -> None:
        """Settles a conflict. What was edited is saved before, and everything is read again after."""
        self._act(lambda native: native.choose(self.id, self.version, choice.path, choice.change))

    def reopen(self, path: str, code: str) -> None:
        """Takes a status back to this code in a new round. Saves before and reads again after."""
        self._act(lambda native: native.reopen(self.id, self.version, path, code))

    def problems(self, towards: str = "save") -> list[Problem]:
        """What is wrong with the document as saved, on its way to a status (`"locked"`, `"published"` …)
        or while writing."""
        return self._device.native.problems(self.id, towards)

    def lock(self) -> None:
        """Locks a contract as it is shown, ready to be signed. Saves before and reads again after.

        `ReadAgain` if that brought something the form had not shown: show it first. `Mend` names what
        stands in the way.
        """
        self._act(lambda native: native.lock_contract(self.id, self.version), shown=True)

    def sign(self, statement: Statement) -> None:
        """Signs a locked contract with this device's key."""
        self._act(lambda native: native.sign_contract(self.id, statement))

    def signing_state(self) -> SigningState:
        """How far the signing of a contract is."""
        return self._device.native.signing_state(self.id)

    def signed_content(self) -> T | None:
        """What all have signed, byte for byte as sealed; None before that."""
        text = self._device.native.signed_content(self.id)
        return None if text is None else self._read(text)

    def move(self, space: str, subject: str | None = None) -> str:
        """Moves a visit note from the wrong client into this space and to this farm or client, if it is
        known. Saves before; gives the id of the new note, the same when done again."""
        with self._turn:
            # Again for what was typed while it ran.
            while self.edited:
                self.save()
            return self._device._write(lambda native: native.move_note(self.id, space, subject))

    def _act(
        self, action: Callable[[SopuDevice], NativeSaved], *, shown: bool = False
    ) -> None:
        seen = self._arrivals if shown else None
        with self._turn:
            self._seen(seen)
            if self.edited:
                self.save()
            self._seen(seen)
            self._device._write(action)
            self._reread(self._shown)

    def _reread(self, since: str | None) -> None:
        self._show(self._device.native.read(self.id), since)

    def _freshened(self) -> bool:
        """Reads what others wrote, unless something is unsaved here; gives whether something else is shown."""
        with self._turn:
            since = self._before()
            if since != self._shown:
                return False
            return self._showed(self._device.native.read(self.id), since)


class _Freshness:
    """Keeps a form fresh as long as it runs."""

    def __init__(self, form: Form[Any], on_shown: Callable[[], None] | None) -> None:
        self._form, self._on_shown = form, on_shown
        self._waiting = Waiting()

    def run(self) -> None:
        try:
            for _ in self._form._device._changes.numbers(self._waiting):
                if self._form._freshened() and self._on_shown:
                    self._on_shown()
        except SopuError.Closed:
            return

    def stop(self) -> None:
        self._waiting.end()
