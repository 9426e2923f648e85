"""Sopu on a laptop or in a script: an offline-first store of contracts, visit notes and listings.

    invited = read_invitation(text)                              # pasted, or scanned from the office's QR code
    with Device.open("sopu.db", "instance", key) as device:      # key = new_key(), kept in a keyring
        device.enrol(invited.relay, invited.code, "Aino's laptop")
        device.sync()
        space = device.spaces()[0].id
        note = device.create(space, VisitNote(profile="advisory", summary="Walked the north field."))
        note.value.handover = "The gate was open."
        note.save()                                              # durable, with or without a network
        device.sync()                                            # whenever there is one

`sopu.aio` has the same for asyncio. `sopu.documents` has the types of the three kinds.
"""

from . import errors as _errors
from .device import Device
from .documents import Contract, ServiceListing, VisitNote
from .form import Form
from .keeping import Keeping, SyncState
from .native import (
    Comparison,
    Draft,
    Exported,
    Finding,
    HttpClient,
    HttpError,
    HttpReply,
    HttpRequest,
    Identity,
    Ignored,
    InternalError,
    Invitation,
    Kind,
    Member,
    Page,
    Pending,
    Place,
    Problem,
    Progress,
    Provenance,
    Query,
    Row,
    Severity,
    SigningState,
    Sort,
    SopuError,
    Space,
    Stage,
    Standing,
    Statement,
    Stop,
    SyncReport,
    TimelineStep,
    new_id,
    new_key,
    read_invitation,
    version,
)
from .records import Localized
from .transport import UrllibClient
from .view import Choice, RemovedItem, Save

__version__ = version()

__all__ = [
    "Choice",
    "Comparison",
    "Contract",
    "Device",
    "Draft",
    "Exported",
    "Finding",
    "Form",
    "HttpClient",
    "HttpError",
    "HttpReply",
    "HttpRequest",
    "Identity",
    "Ignored",
    "InternalError",
    "Invitation",
    "Keeping",
    "Kind",
    "Localized",
    "Member",
    "new_id",
    "new_key",
    "Page",
    "Pending",
    "Place",
    "Problem",
    "Progress",
    "Provenance",
    "Query",
    "read_invitation",
    "RemovedItem",
    "Row",
    "Save",
    "ServiceListing",
    "Severity",
    "SigningState",
    "SopuError",
    "Sort",
    "Space",
    "Stage",
    "Standing",
    "Statement",
    "Stop",
    "SyncReport",
    "SyncState",
    "TimelineStep",
    "UrllibClient",
    "version",
    "VisitNote",
]
