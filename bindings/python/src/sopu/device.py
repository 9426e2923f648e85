"""The device, as a script or a thread uses it; `sopu.aio` has the same for asyncio."""

import contextlib
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from .changes import Changes
from .form import Form
from .keeping import Keeper, Keeping, SyncState
from .native import (
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
from .view import T, to_json

R = TypeVar("R")


class Device:
    """One installation: its store and its key. Everything but `enrol`, `sync`, `watch` and `keep_in_sync`
    works without a network, and what was written is durable when the call returns.

    Every method blocks and may be called from any thread. `with` closes it.
    """

    native: SopuDevice
    """What is below, for what is not here; content is JSON text there."""
    client: HttpClient | None
    """Python's own HTTP client instead of the built-in one: `UrllibClient`, or an app's."""
    sync_state: SyncState
    """How it stands with the relay, while somebody keeps it in sync."""

    def __init__(self, native: SopuDevice, client: HttpClient | None = None) -> None:
        self.native, self.client = native, client
        self._changes = Changes(native)
        self.sync_state = SyncState.IDLE
        self._keepers: set[Keeper] = set()

    @classmethod
    def open(
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
        return cls(SopuDevice.open(store, instance_dir, key, store_key), client)

    @classmethod
    def salvage(
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
        return cls(SopuDevice.salvage(store, instance_dir, key, store_key), client)

    @staticmethod
    def remove(store: str, instance_dir: str) -> None:
        """Takes away a store that was closed, with all that stands beside it, damaged copies that a salvage
        kept too, and its instance folder unless something else is in it. Unsent work is gone then. Again
        does nothing. Forget the keys after it."""
        remove_installation(store, instance_dir)

    def close(self) -> None:
        """Lets go of the store's file: ends what still runs and waits for it. From then on every call gives
        `Closed`; again does nothing."""
        for keeper in tuple(self._keepers):
            keeper.stop()
        # Before, so that nobody waits for what comes no more while shutting takes its time.
        self._changes.close()
        self.native.shut()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Who it is, and where it belongs.

    def enrol(self, relay: str, code: str, name: str, *, stop: Stop | None = None) -> Identity:
        """Enrols at a relay (`https://…`) with an invite code; `name` says which device this is."""
        return self.native.enrol(relay, code, name, self.client, stop)

    def identity(self) -> Identity:
        """Who this device is."""
        return self.native.identity()

    def must_enrol_again(self) -> bool:
        """Whether the relay asked this device to enrol again, because its store exists twice."""
        return self.native.must_enrol_again()

    def spaces(self) -> list[Space]:
        """The spaces this device takes part in."""
        return self.native.spaces()

    def sealed_spaces(self) -> list[Space]:
        """Spaces held but shown no more, because the right to them has ended. What is unsent in them goes
        out at the next sync; then they go."""
        return self.native.sealed_spaces()

    def members(self, space: str) -> list[Member]:
        """The people of a space, those who have left too."""
        return self.native.members(space)

    def set_app(self, app: str) -> None:
        """Says what app this is in, its name and version, for the office's list of devices."""
        self.native.set_app(app)

    def change_store_key(self, store_key: bytes) -> None:
        """Encrypts the whole store anew with another key. Keep both until this returns."""
        self.native.change_store_key(store_key)

    def clock_offset_ms(self) -> int | None:
        """Relay clock minus device clock as last measured, milliseconds."""
        return self.native.clock_offset_ms()

    # Documents.

    @overload
    def create(self, space: str, content: T, *, doc: str | None = None) -> Form[T]: ...
    @overload
    def create(
        self, space: str, content: dict[str, Any], kind: Kind, *, doc: str | None = None
    ) -> Form[dict[str, Any]]: ...
    def create(
        self, space: str, content: Any, kind: Kind | None = None, *, doc: str | None = None
    ) -> Any:
        """Makes a document and opens it: of a typed content, or of a dict and its kind.

        Who may be interrupted and do it again hands in an id of its own, from `new_id`, as `doc`: then the
        document that is there already is opened as it is.
        """
        of = kind or content.KIND
        created = self._write(lambda native: native.create(space, of, to_json(content), doc))
        return Form(self, created.id, type(content))

    @overload
    def form(self, doc: str) -> Form[dict[str, Any]]: ...
    @overload
    def form(self, doc: str, content: type[T]) -> Form[T]: ...
    def form(self, doc: str, content: Any = dict) -> Any:
        """Opens a document; with `VisitNote` and so on as content its value is typed."""
        return Form(self, doc, content)

    def search(self, text: str, offset: int = 0, limit: int = 50) -> Page:
        """Finds documents that have every one of these words, last changed first."""
        return self.native.search(text, offset, limit)

    def live(self, query: Query | None = None) -> Generator[Page, None, None]:
        """The list, and again whenever it has changed, as `follow`."""
        return self.follow(lambda: self.list(query))

    def follow(self, read: Callable[[], R]) -> Generator[R, None, None]:
        """What this reads, at once and again whenever that has changed, until the device is closed:
        `device.follow(device.backlog)`. Fails as `read` fails. Closing the iterator, or leaving the loop,
        ends it; one thread waits for all that follow a device."""
        last: list[R] = []
        with contextlib.closing(self.changes()) as changes:
            try:
                for _ in changes:
                    now = read()
                    if last != [now]:
                        last = [now]
                        yield now
            except SopuError.Closed:
                return

    def changes(self) -> Generator[int, None, None]:
        """A number, at once and a greater one whenever something may have changed that lists, documents or
        progress show, until the device is closed. Closing the iterator, or leaving the loop, ends it."""
        return self._changes.numbers()

    def timeline(self, doc: str, offset: int = 0, limit: int = 50) -> list[TimelineStep]:
        """What happened to a document, newest first."""
        return self.native.timeline(doc, offset, limit)

    def problems(self, doc: str, towards: str = "save") -> list[Problem]:
        """What is wrong with a document on its way to a status, or while writing."""
        return self.native.problems(doc, towards)

    def findings(self, space: str) -> list[Finding]:
        """What a person should look at in a space, from what is on this device."""
        return self.native.findings(space)

    def status(self, doc: str) -> Progress:
        """How far one's own work in a document has come."""
        return self.native.status(doc)

    def backlog(self) -> Progress:
        """How far one's own work in all documents has come."""
        return self.native.backlog()

    def pending(self) -> list[Pending]:
        """Own work that is not in the record yet, with the reasons for what is held or was refused."""
        return self.native.pending()

    def drafts(self) -> list[Draft]:
        """Edits that could neither be sent nor made again, for the person to copy from."""
        return self.native.drafts()

    def discard_draft(self, number: int) -> None:
        """The person is done with a draft."""
        self._write(lambda native: native.discard_draft(number))

    def export(self, doc: str) -> bytes:
        """The document as an Automerge file with its whole history, which other programs open."""
        return self.native.export(doc)

    def read_export(self, file: bytes) -> Exported:
        """What a file made by `export` holds, here or anywhere; its `value` is JSON. Nothing of it gets into the
        store. `SopuError.BadValue` of `file` for one that is damaged, or no document of Sopu's."""
        return self.native.read_export(file)

    # The relay.

    def sync(self, *, within_ms: int | None = None, stop: Stop | None = None) -> SyncReport:
        """Sends what is unsent and takes in what is new, until nothing is left to say. Right at any time,
        also again and also after an error.

        With `within_ms` it begins nothing after so many milliseconds; `more` says whether there is reason
        to sync again.
        """
        if within_ms is None:
            return self.native.sync(self.client, stop)
        return self.native.sync_within(within_ms, self.client, stop)

    def watch(self, wait_ms: int, *, stop: Stop | None = None) -> SyncReport:
        """Waits for news at most so many milliseconds and takes it in; if there is something to send, it
        sends that at once instead."""
        return self.native.watch(wait_ms, self.client, stop)

    def pause_ms(self) -> int:
        """How long to wait before syncing again by itself, milliseconds. A person who asks need not wait."""
        return self.native.pause_ms()

    def keep_in_sync(self, on_state: Callable[[SyncState], None] | None = None) -> Keeping:
        """Exchanges on a thread of its own until the result is stopped, or the device closed: waits for
        news, sends at once what is saved here, pauses after trouble. `sync_state` says how it stands, and
        `on_state` is told on that thread.

            with device.keep_in_sync():
                ...
        """
        keeper = self._keeper(on_state)
        return Keeping(keeper, "sopu-sync", lambda: self._keepers.remove(keeper))

    def rehearse_defect(self) -> None:
        """Breaks inside, so that an app can see what its reporting makes of it: always `Defect`."""
        self.native.rehearse_defect()

    # What others here build on.

    def _write(self, action: Callable[[SopuDevice], R]) -> R:
        """Does what changes documents, and has it sent if somebody keeps the device in sync."""
        done = action(self.native)
        for keeper in tuple(self._keepers):
            keeper.saved()
        return done

    def _keeper(self, on_state: Callable[[SyncState], None] | None) -> Keeper:
        def tell(state: SyncState) -> None:
            self.sync_state = state
            if on_state:
                on_state(state)

        keeper = Keeper(self.native, self.client, tell)
        self._keepers.add(keeper)
        return keeper

    # Last, for its name hides the type.

    def list(self, query: Query | None = None) -> Page:
        """Lists documents: everything, last changed first, unless the query says otherwise."""
        return self.native.list(query or Query())
