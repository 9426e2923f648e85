"""A document as a form of an asyncio program holds it open."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from ..native import Problem, SigningState, SopuDevice, SopuError, Statement
from ..native import Saved as NativeSaved
from ..view import Choice, Save, T, View
from .threads import whole

if TYPE_CHECKING:
    from .device import Device

R = TypeVar("R")


class Form(View[T]):
    """A document open for reading and writing; `Device.create` and `Device.form` give it.

    `async with` keeps the document loaded while it is open. Calls take turns. One that is cancelled while
    it writes ends the write first, so that the form always stands at what is stored.
    """

    def __init__(self, device: "Device", doc: str, content: type[T]) -> None:
        """Reads nothing yet: `Device.form` does."""
        super().__init__(content)
        self._device = device
        self.id = doc
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        opening = self._device._local(lambda native: native.form_opened(self.id))
        try:
            await whole(opening)
        except asyncio.CancelledError:
            # Nobody leaves what was not entered.
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await whole(self._device._local(lambda native: native.form_closed(self.id)))
        except SopuError.Closed:
            pass

    async def refresh(self) -> None:
        """Reads the document as it stands now; what was edited before and not saved is forgotten."""
        async with self._turn:
            await self._reread(self._before())

    async def keep_fresh(self, on_shown: Callable[[], None] | None = None) -> None:
        """Shows what others write, whenever nothing is unsaved here, until the task is cancelled, or the device
        closed. `on_shown` is told whenever something else is shown.

        What makes the person leave the page, such as `Erased`, is raised.
        """
        async with contextlib.aclosing(self._device.changes()) as changes:
            try:
                async for _ in changes:
                    if await self._in_turn(self._freshened) and on_shown:
                        on_shown()
            except SopuError.Closed:
                return

    async def save(self) -> Save:
        """Saves the differences; durable when it returns."""
        return await self._in_turn(self._save)

    async def choose(self, choice: Choice) -> None:
        """Settles a conflict. What was edited is saved before, and everything is read again after."""
        await self._act(
            lambda native: native.choose(self.id, self.version, choice.path, choice.change)
        )

    async def reopen(self, path: str, code: str) -> None:
        """Takes a status back to this code in a new round. Saves before and reads again after."""
        await self._act(lambda native: native.reopen(self.id, self.version, path, code))

    async def problems(self, towards: str = "save") -> list[Problem]:
        """What is wrong with the document as saved, on its way to a status (`"locked"`, `"published"` …)
        or while writing."""
        return await self._device.problems(self.id, towards)

    async def lock(self) -> None:
        """Locks a contract as it is shown, ready to be signed. Saves before and reads again after.

        `ReadAgain` if that brought something the form had not shown: show it first. `Mend` names what
        stands in the way.
        """
        await self._act(lambda native: native.lock_contract(self.id, self.version), shown=True)

    async def sign(self, statement: Statement) -> None:
        """Signs a locked contract with this device's key."""
        await self._act(lambda native: native.sign_contract(self.id, statement))

    async def signing_state(self) -> SigningState:
        """How far the signing of a contract is."""
        return await self._device._local(lambda native: native.signing_state(self.id))

    async def signed_content(self) -> T | None:
        """What all have signed, byte for byte as sealed; None before that."""
        text = await self._device._local(lambda native: native.signed_content(self.id))
        return None if text is None else self._read(text)

    async def move(self, space: str, subject: str | None = None) -> str:
        """Moves a visit note from the wrong client into this space and to this farm or client, if it is
        known. Saves before; gives the id of the new note, the same when done again."""

        async def moved() -> str:
            # Again for what was typed while it ran.
            while self.edited:
                await self._save()
            return await self._device._write(
                lambda native: native.move_note(self.id, space, subject)
            )

        return await self._in_turn(moved)

    async def _act(
        self, action: Callable[[SopuDevice], NativeSaved], *, shown: bool = False
    ) -> None:
        seen = self._arrivals if shown else None

        async def acted() -> None:
            self._seen(seen)
            if self.edited:
                await self._save()
            self._seen(seen)
            await self._device._write(action)
            await self._reread(self._shown)

        await self._in_turn(acted)

    # Within a turn.

    async def _in_turn(self, work: Callable[[], Coroutine[Any, Any, R]]) -> R:
        async with self._turn:
            return await whole(work())

    async def _reread(self, since: str | None) -> None:
        self._show(await self._device._local(lambda native: native.read(self.id)), since)

    async def _freshened(self) -> bool:
        """Reads what others wrote, unless something is unsaved here; gives whether something else is shown."""
        since = self._before()
        if since != self._shown:
            return False
        document = await self._device._local(lambda native: native.read(self.id))
        return self._showed(document, since)

    async def _save(self) -> Save:
        written, version = self._json(), self.version
        saved = await self._device._write(lambda native: native.save(self.id, version, written))
        return self._saved(written, saved)
