"""What crossing into the library costs: bench.py, with the package of an optimised build installed (bindings/python/build)
and the program `sopu` (SOPU_BIN, or what `cargo build` left). The figures go into BENCHMARKS.md."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import sopu.aio
from sopu import Device, Query, VisitNote, new_key

from tests.relay import Relay

RUNS = 2_000
NOTES = 200
FIFTY = Query(limit=50)


def main() -> None:
    relay = Relay()
    try:
        person = relay.person("Aino")
        place, key = relay.place(person), new_key()
        with Device.open(*place, key) as device:
            device.enrol(relay.url, relay.invited(person), "laptop")
            device.sync()
            space = device.spaces()[0].id
            for number in range(NOTES):
                note = VisitNote(summary=f"Käynti {number}: pohjoispelto, lääkkeet ja avain")
                device.create(space, note)
            assert len(device.list(FIFTY).rows) == 50
            report("a call that does nothing", device.native.change_number)
            report("a list of 50", lambda: device.list(FIFTY))
        asyncio.run(awaited(*place, key))
    finally:
        relay.remove()


async def awaited(store: str, instance: str, key: bytes) -> None:
    async with await sopu.aio.Device.open(store, instance, key) as device:
        nothing = lambda: device._local(lambda native: native.change_number())  # noqa: E731
        await report_awaited("a call that does nothing, awaited", nothing)
        await report_awaited("a list of 50, awaited", lambda: device.list(FIFTY))


def report(what: str, work: Callable[[], object]) -> None:
    """Prints the median of many runs after as many to warm up."""
    times: list[int] = []
    for _ in range(2 * RUNS):
        began = time.perf_counter_ns()
        work()
        times.append(time.perf_counter_ns() - began)
    told(what, times)


async def report_awaited(what: str, work: Callable[[], Awaitable[object]]) -> None:
    """The same of what is awaited."""
    times: list[int] = []
    for _ in range(2 * RUNS):
        began = time.perf_counter_ns()
        await work()
        times.append(time.perf_counter_ns() - began)
    told(what, times)


def told(what: str, times: list[int]) -> None:
    print(f"{what:35} {statistics.median(times[RUNS:]) / 1_000:9.1f} µs")


if __name__ == "__main__":
    main()
