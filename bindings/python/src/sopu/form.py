"""A document as a form holds it open."""

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from .native import Problem, SigningState, SopuDevice, SopuError, Statement
from .native import Saved as NativeSaved
from .view import Choice, Save, T, View

if TYPE_CHECKING:
    from .device import Device


class Form(View[T]):
    """A document open for reading and writing; `Device.create` and `Device.form` give it.

    `with` keeps the document loaded while it is open. A form is for one thread at a time.
    """

    def __init__(self, device: "Device", doc: str, content: type[T]) -> None:
        super().__init__(content)
        self._device = device
        self.id = doc
        self.refresh()

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
        """Reads the document as it stands now; what was edited and not saved is forgotten."""
        self._show(self._device.native.read(self.id))

    def save(self) -> Save:
        """Saves the differences; durable when it returns."""
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
        if self.edited:
            self.save()
        return self._device._write(lambda native: native.move_note(self.id, space, subject))

    def _act(
        self, action: Callable[[SopuDevice], NativeSaved], *, shown: bool = False
    ) -> None:
        if self.edited and self.save().merged and shown:
            raise SopuError.ReadAgain
        self._device._write(action)
        self.refresh()
