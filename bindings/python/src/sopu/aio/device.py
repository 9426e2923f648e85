"""The device, for asyncio."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from ..changes import Changes
from ..keeping import Keeper, SyncState
from ..native import (
    Draft,
    Exported,
    Finding,
    HttpClient,
    Identity,
    Kind,
    Member,
    Page,
    Pending,
    Problem,
    Progress,
    Query,
    SopuDevice,
    SopuError,
    Space,
    Stop,
    SyncReport,
    TimelineStep,
    remove_installation,
)
from ..view import T, to_json
from .form import Form
from .threads import Threads, whole

R = TypeVar("R")


class Device:
    """One installation: its store and its key. Everything but `enrol`, `sync`, `watch` and `keep_in_sync`
    works without a network, and what was written is durable when the call returns.

    Any task may call it; one event loop at a time. `async with` closes it.
    """

    native: SopuDevice
    """What is below, blocking, for what is not here; content is JSON text there."""
    client: HttpClient | None
    """Python's own HTTP client instead of the built-in one: `UrllibClient`, or an app's. It blocks."""
    sync_state: SyncState
    """How it stands with the relay, while somebody keeps it in sync."""

    def __init__(self, native: SopuDevice, client: HttpClient | None = None) -> None:
        self.native, self.client = native, client
        self.sync_state = SyncState.IDLE
        self._changes = Changes(native)
        self._threads = Threads()
        self._keepers: set[Keeper] = set()

    @classmethod
    async def open(
        cls,
        store: str,
        instance_dir: str,
        key: bytes,
        store_key: bytes | None = None,
        *,
        client: HttpClient | None = None,
    ) -> Self:
        """Opens the store at this path, making it if there is none. `instance_dir` must be a folder that
        backups leave out; `key` comes from `new_key` and lives in a keystore.

        With a `store_key`, 32 random bytes from the keystore too, the file is encrypted, also one that was
        plain before.
        """
        opened = asyncio.to_thread(SopuDevice.open, store, instance_dir, key, store_key)
        return cls(await whole(opened), client)

    @classmethod
    async def salvage(
        cls,
        store: str,
        instance_dir: str,
        key: bytes,
        store_key: bytes | None = None,
        *,
        client: HttpClient | None = None,
    ) -> Self:
        """Opens a store of which `open` said that it is `damaged`: what can be read of it, unsent work
        first, goes into a new one, and the next sync brings the rest. The damaged files stay beside it."""
        opened = asyncio.to_thread(SopuDevice.salvage, store, instance_dir, key, store_key)
        return cls(await whole(opened), client)

    @staticmethod
    async def remove(store: str, instance_dir: str) -> None:
        """Takes away a store that was closed, with all that stands beside it, damaged copies that a salvage
        kept too, and its instance folder unless something else is in it. Unsent work is gone then. Again
        does nothing. Forget the keys after it."""
        await whole(asyncio.to_thread(remove_installation, store, instance_dir))

    async def close(self) -> None:
        """Lets go of the store's file: ends what still runs and waits for it. From then on every call gives
        `Closed`; again does nothing."""
        for keeper in tuple(self._keepers):
            keeper.stop()
        # Before, so that nobody waits for what comes no more while shutting takes its time.
        self._changes.close()
        await whole(asyncio.to_thread(self.native.shut))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # Who it is, and where it belongs.

    async def enrol(self, relay: str, code: str, name: str) -> Identity:
        """Enrols at a relay (`https://…`) with an invite code; `name` says which device this is."""
        return await self._network(
            lambda stop: self.native.enrol(relay, code, name, self.client, stop)
        )

    async def identity(self) -> Identity:
        """Who this device is."""
        return await self._local(lambda native: native.identity())

    async def must_enrol_again(self) -> bool:
        """Whether the relay asked this device to enrol again, because its store exists twice."""
        return await self._local(lambda native: native.must_enrol_again())

    async def spaces(self) -> list[Space]:
        """The spaces this device takes part in."""
        return await self._local(lambda native: native.spaces())

    async def sealed_spaces(self) -> list[Space]:
        """Spaces held but shown no more, because the right to them has ended. What is unsent in them goes
        out at the next sync; then they go."""
        return await self._local(lambda native: native.sealed_spaces())

    async def members(self, space: str) -> list[Member]:
        """The people of a space, those who have left too."""
        return await self._local(lambda native: native.members(space))

    async def set_app(self, app: str) -> None:
        """Says what app this is in, its name and version, for the office's list of devices."""
        await self._local(lambda native: native.set_app(app))

    async def change_store_key(self, store_key: bytes) -> None:
        """Encrypts the whole store anew with another key. Keep both until this returns."""
        await whole(self._local(lambda native: native.change_store_key(store_key)))

    async def clock_offset_ms(self) -> int | None:
        """Relay clock minus device clock as last measured, milliseconds."""
        return await self._local(lambda native: native.clock_offset_ms())

    # Documents.

    @overload
    async def create(self, space: str, content: T, *, doc: str | None = None) -> Form[T]: ...
    @overload
    async def create(
        self, space: str, content: dict[str, Any], kind: Kind, *, doc: str | None = None
    ) -> Form[dict[str, Any]]: ...
    async def create(
        self, space: str, content: Any, kind: Kind | None = None, *, doc: str | None = None
    ) -> Any:
        """Makes a document and opens it: of a typed content, or of a dict and its kind.

        Once begun it is made, also if this is cancelled. Who may do it again hands in an id of its own, from
        `new_id`, as `doc`: then the document that is there already is opened as it is.
        """
        of = kind or content.KIND
        text = to_json(content)
        created = await self._write(lambda native: native.create(space, of, text, doc))
        return await self.form(created.id, type(content))

    @overload
    async def form(self, doc: str) -> Form[dict[str, Any]]: ...
    @overload
    async def form(self, doc: str, content: type[T]) -> Form[T]: ...
    async def form(self, doc: str, content: Any = dict) -> Any:
        """Opens a document; with `VisitNote` and so on as content its value is typed."""
        form = Form(self, doc, content)
        await form._reread(None)
        return form

    async def search(self, text: str, offset: int = 0, limit: int = 50) -> Page:
        """Finds documents that have every one of these words, last changed first."""
        return await self._local(lambda native: native.search(text, offset, limit))

    def live(self, query: Query | None = None) -> AsyncGenerator[Page, None]:
        """The list, and again whenever it has changed, as `follow`."""
        return self.follow(lambda: self.list(query))

    async def follow(self, read: Callable[[], Awaitable[R]]) -> AsyncGenerator[R, None]:
        """What this reads, at once and again whenever that has changed, until the device is closed or the
        task cancelled: `device.follow(device.backlog)`. Fails as `read` fails.

        Who leaves the loop early closes the iterator (`contextlib.aclosing`).
        """
        last: list[R] = []
        async with contextlib.aclosing(self.changes()) as changes:
            try:
                async for _ in changes:
                    now = await read()
                    if last != [now]:
                        last = [now]
                        yield now
            except SopuError.Closed:
                return

    async def changes(self) -> AsyncGenerator[int, None]:
        """A number, at once and a greater one whenever something may have changed that lists, documents or
        progress show, until the device is closed or the task cancelled.

        Who leaves the loop early closes the iterator (`contextlib.aclosing`).
        """
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def called() -> None:
            # On the waiting thread, perhaps after the loop.
            if not loop.is_closed():
                loop.call_soon_threadsafe(changed.set)

        unsubscribe = self._changes.subscribe(called)
        last: int | None = None
        try:
            while True:
                changed.clear()
                if self._changes.closed:
                    return
                number = self._changes.number
                if number != last:
                    last = number
                    yield number
                await changed.wait()
        finally:
            unsubscribe()

    async def timeline(self, doc: str, offset: int = 0, limit: int = 50) -> list[TimelineStep]:
        """What happened to a document, newest first."""
        return await self._local(lambda native: native.timeline(doc, offset, limit))

    async def problems(self, doc: str, towards: str = "save") -> list[Problem]:
        """What is wrong with a document on its way to a status, or while writing."""
        return await self._local(lambda native: native.problems(doc, towards))

    async def findings(self, space: str) -> list[Finding]:
        """What a person should look at in a space, from what is on this device."""
        return await self._local(lambda native: native.findings(space))

    async def status(self, doc: str) -> Progress:
        """How far one's own work in a document has come."""
        return await self._local(lambda native: native.status(doc))

    async def backlog(self) -> Progress:
        """How far one's own work in all documents has come."""
        return await self._local(lambda native: native.backlog())

    async def pending(self) -> list[Pending]:
        """Own work that is not in the record yet, with the reasons for what is held or was refused."""
        return await self._local(lambda native: native.pending())

    async def drafts(self) -> list[Draft]:
        """Edits that could neither be sent nor made again, for the person to copy from."""
        return await self._local(lambda native: native.drafts())

    async def discard_draft(self, number: int) -> None:
        """The person is done with a draft."""
        await self._write(lambda native: native.discard_draft(number))

    async def export(self, doc: str) -> bytes:
        """The document as an Automerge file with its whole history, which other programs open."""
        return await self._local(lambda native: native.export(doc))

    async def read_export(self, file: bytes) -> Exported:
        """What a file made by `export` holds, as `sopu.Device.read_export`."""
        return await self._local(lambda native: native.read_export(file))

    # The relay.

    async def sync(self, *, within_ms: int | None = None) -> SyncReport:
        """Sends what is unsent and takes in what is new, until nothing is left to say. Right at any time,
        also again and also after an error.

        With `within_ms` it begins nothing after so many milliseconds; `more` says whether there is reason
        to sync again.
        """
        if within_ms is None:
            return await self._network(lambda stop: self.native.sync(self.client, stop))
        return await self._network(
            lambda stop: self.native.sync_within(within_ms, self.client, stop)
        )

    async def watch(self, wait_ms: int) -> SyncReport:
        """Waits for news at most so many milliseconds and takes it in; if there is something to send, it
        sends that at once instead."""
        return await self._network(lambda stop: self.native.watch(wait_ms, self.client, stop))

    async def pause_ms(self) -> int:
        """How long to wait before syncing again by itself, milliseconds. A person who asks need not wait."""
        return await self._local(lambda native: native.pause_ms())

    async def keep_in_sync(self, on_state: Callable[[SyncState], None] | None = None) -> None:
        """Exchanges until the task is cancelled, or the device closed: waits for news, sends at once what is
        saved here, pauses after trouble. `sync_state` says how it stands, and `on_state` is told.

        Errors that need a person are raised, such as `Refused` and `Update`.
        """
        loop = asyncio.get_running_loop()

        def heard(state: SyncState) -> None:
            self.sync_state = state
            if on_state:
                on_state(state)

        def tell(state: SyncState) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(heard, state)

        keeper = Keeper(self.native, self.client, tell)
        self._keepers.add(keeper)
        try:
            await self._threads.long(keeper.run, keeper.stop)
        finally:
            self._keepers.remove(keeper)

    async def rehearse_defect(self) -> None:
        """Breaks inside, so that an app can see what its reporting makes of it: always `Defect`."""
        await self._local(lambda native: native.rehearse_defect())

    # What others here build on.

    async def _local(self, action: Callable[[SopuDevice], R]) -> R:
        return await self._threads.short(lambda: action(self.native))

    async def _write(self, action: Callable[[SopuDevice], R]) -> R:
        """Does what changes documents, to its end, and has it sent if somebody keeps the device in sync."""

        def written() -> R:
            done = action(self.native)
            for keeper in tuple(self._keepers):
                keeper.saved()
            return done

        return await whole(self._threads.short(written))

    async def _network(self, action: Callable[[Stop], R]) -> R:
        stop = Stop()
        return await self._threads.long(lambda: action(stop), stop.stop)

    # Last, for its name hides the type.

    async def list(self, query: Query | None = None) -> Page:
        """Lists documents: everything, last changed first, unless the query says otherwise."""
        return await self._local(lambda native: native.list(query or Query()))
