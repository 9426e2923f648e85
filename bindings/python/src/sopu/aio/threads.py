"""Blocking work, awaited."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

R = TypeVar("R")

# Local calls take turns at the store anyway.
_WORKERS = 2


async def whole(work: Coroutine[Any, Any, R]) -> R:
    """Awaits short work to its end, also when cancelled meanwhile, and is cancelled then: no thread can be
    stopped in the middle, and who asked must not go on as if nothing had been done."""
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled:
        if not task.cancelled():
            # Seen: nobody is left to tell.
            task.exception()
        raise cancelled
    return task.result()


class Threads:
    """Where a device's blocking calls run: never on the loop's own pool, which others need too. Its threads
    end with the device, when nobody refers to it any more."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="sopu")

    async def short(self, work: Callable[[], R]) -> R:
        """A local call."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def long(self, work: Callable[[], R], stop: Callable[[], None]) -> R:
        """What waits for the network, on a thread of its own; being cancelled stops it and waits no more."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[R] = loop.create_future()

        def tell(result: R | None, error: BaseException | None) -> None:
            if done.done():
                return
            if error:
                done.set_exception(error)
            else:
                done.set_result(result)  # type: ignore[arg-type]

        def run() -> None:
            result, error = None, None
            try:
                result = work()
            except Exception as raised:
                error = raised
            try:
                loop.call_soon_threadsafe(tell, result, error)
            except RuntimeError:
                # The loop was closed meanwhile: nobody waits.
                pass

        threading.Thread(target=run, name="sopu-sync", daemon=True).start()
        try:
            return await done
        except asyncio.CancelledError:
            stop()
            raise
