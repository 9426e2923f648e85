"""Sopu on a laptop or in a script: an offline-first store of contracts, visit notes and listings.

    device = Device.open("sopu.db", "instance", key)      # key = new_key(), kept in a keystore
    device.enrol("https://sopu.example", "CODE-FROM-THE-OFFICE", "Aino's laptop")
    space = device.spaces()[0].id
    with Form.new(device, space, Kind.VISIT_NOTE, {"profile": "farm_advisory"}) as note:
        note.value["summary"] = "Walked the north field."
        note.save()                                       # durable, with or without a network
    device.sync()                                         # whenever there is one

`Device` is the same object Kotlin and Swift apps hold; `Form` adds what is natural in Python:
content as dicts instead of JSON text, and a version that follows the form's own saves.
"""

from .form import Choice, Form
from .native import (
    Comparison,
    HttpClient,
    HttpError,
    HttpReply,
    HttpRequest,
    Kind,
    Query,
    Severity,
    Sort,
    SopuError,
    Stage,
    Standing,
    Statement,
    new_key,
    version,
)
from .native import SopuDevice as Device

__all__ = [
    "Choice",
    "Comparison",
    "Device",
    "Form",
    "HttpClient",
    "HttpError",
    "HttpReply",
    "HttpRequest",
    "Kind",
    "Query",
    "Severity",
    "Sort",
    "SopuError",
    "Stage",
    "Standing",
    "Statement",
    "new_key",
    "version",
]
