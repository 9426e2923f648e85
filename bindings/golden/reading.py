"""What every language must read from a golden store, as one JSON value.

The other packages do the same with their own types and compare with `expected.json`.
"""

import json
from typing import Any

from sopu import Device, Kind, Query, Sort

KINDS = {
    "contract": Kind.CONTRACT,
    "visit_note": Kind.VISIT_NOTE,
    "service_listing": Kind.SERVICE_LISTING,
}
CODES = {kind: code for code, kind in KINDS.items()}
SORTS = {"updated": Sort.UPDATED, "date": Sort.DATE, "title": Sort.TITLE}

LISTS: list[dict[str, Any]] = [
    {},
    {"kind": "visit_note"},
    {"sort": "title", "ascending": True},
    {"sort": "date"},
    {"sort": "title", "ascending": True, "offset": 2, "limit": 2},
    {"conflicts_only": True},
    {"from_date": "2026-11-01", "to_date": "2026-11-30"},
]
# `saa` and `sää` are different words; a word counts from its beginning.
SEARCHES = ["sää", "saa", "pohjois", "pellolla", "tekstiä", "lypsy illalla", "lypsyapu", "räntä", "🌨"]


def query(of: dict[str, Any]) -> Query:
    """The query that one of `LISTS` means."""
    words = dict(of)
    if "kind" in words:
        words["kind"] = KINDS[words["kind"]]
    if "sort" in words:
        words["sort"] = SORTS[words["sort"]]
    return Query(**words)


def store(device: Device) -> dict[str, Any]:
    """Everything that a store says and that no day changes."""
    everything = device.list(Query(limit=1_000)).rows
    return {
        "identity": vars(device.identity()),
        "spaces": [
            {"id": s.id, "name": s.name, "role": s.role} for s in device.spaces()
        ],
        "members": {
            s.id: [vars(member) for member in device.members(s.id)]
            for s in device.spaces()
        },
        "documents": {row.id: document(device, row.id) for row in everything},
        "lists": [listed(device, of) for of in LISTS],
        "searches": [found(device, text) for text in SEARCHES],
        "timelines": {row.id: timeline(device, row.id) for row in everything},
        "pending": [
            {"doc": p.doc, "place": p.place.name.lower(), "title": p.title}
            for p in device.pending()
        ],
    }


def refused(device: Device) -> dict[str, Any]:
    """What a store says of work that does not get into the record."""
    backlog = device.backlog()
    return {
        "backlog": {"here": backlog.here, "held": backlog.held, "refused": backlog.refused},
        "pending": [
            {"doc": p.doc, "place": p.place.name.lower(), "reasons": p.reasons, "title": p.title}
            for p in device.pending()
        ],
        "drafts": [
            {
                "number": d.number,
                "doc": d.doc,
                "space": d.space,
                "kind": d.kind and CODES[d.kind],
                "reason": d.reason,
                "made_ms": d.made_ms,
                "value": json.loads(d.value),
            }
            for d in device.drafts()
        ],
    }


def document(device: Device, doc: str) -> dict[str, Any]:
    read = device.native.read(doc)
    stage = device.status(doc).stage
    return {
        "space": read.space,
        "kind": CODES[read.kind],
        "version": read.version,
        "value": json.loads(read.value),
        "unknown": read.unknown,
        "status": [vars(mark) for mark in read.status],
        "stage": stage and stage.name.lower(),
        "conflicts": [
            {
                "path": conflict.path,
                "values": [
                    {
                        "value": json.loads(one.value),
                        "change": one.change,
                        "member_name": one.provenance.member_name,
                    }
                    for one in conflict.values
                ],
            }
            for conflict in read.conflicts
        ],
    }


def exported(device: Device, file: bytes) -> dict[str, Any]:
    """What an exported file says: of a document all but what only a store knows."""
    read = device.read_export(file)
    return {
        "kind": CODES[read.kind],
        "version": read.version,
        "value": json.loads(read.value),
        "unknown": read.unknown,
        "status": [vars(mark) for mark in read.status],
        "conflicts": [
            {
                "path": conflict.path,
                "values": [{"value": json.loads(one.value), "change": one.change} for one in conflict.values],
            }
            for conflict in read.conflicts
        ],
    }


def in_a_file(document: dict[str, Any]) -> dict[str, Any]:
    """What of `document` an exported file says."""
    alone = {name: said for name, said in document.items() if name not in ("space", "stage")}
    alone["conflicts"] = [
        {
            "path": conflict["path"],
            "values": [{"value": one["value"], "change": one["change"]} for one in conflict["values"]],
        }
        for conflict in document["conflicts"]
    ]
    return alone


def listed(device: Device, of: dict[str, Any]) -> dict[str, Any]:
    page = device.list(query(of))
    return {
        "query": of,
        "total": page.total,
        "rows": [
            {
                "id": row.id,
                "title": row.title,
                "status": row.status,
                "date": row.date,
                "conflicts": row.conflicts,
            }
            for row in page.rows
        ],
    }


def found(device: Device, text: str) -> dict[str, Any]:
    page = device.search(text)
    return {"text": text, "total": page.total, "ids": [row.id for row in page.rows]}


def timeline(device: Device, doc: str) -> list[dict[str, Any]]:
    return [
        {
            "change": step.change,
            "member_name": step.provenance.member_name,
            "fields": [
                {
                    "path": field.path,
                    "before": field.before and json.loads(field.before),
                    "after": field.after and json.loads(field.after),
                }
                for field in step.fields
            ],
        }
        for step in device.timeline(doc, limit=100)
    ]
