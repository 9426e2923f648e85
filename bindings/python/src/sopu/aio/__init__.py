"""The device for asyncio: the same names as in `sopu`, to be awaited.

Local calls run on a few threads of the device, since each may wait for the disk. One that writes is done to its
end before it is cancelled; of one that reads the result is dropped. Cancelling `sync`, `watch`, `enrol` and `keep_in_sync` ends the waiting
for the network at once.
"""

from .device import Device
from .form import Form

__all__ = ["Device", "Form"]
