import Foundation

@testable import Sopu

/// Everything that a store says and that no day changes, as `bindings/golden/reading.py` writes it down.
enum GoldenReading {
    private static let kinds: [String: Kind] = [
        "contract": .contract, "visit_note": .visitNote, "service_listing": .serviceListing,
    ]
    private static let sorts: [String: Sort] = ["updated": .updated, "date": .date, "title": .title]

    /// - Parameter wanted: names the queries and the words to search for.
    static func of(_ device: Device, asking wanted: Json) async throws -> Json {
        let spaces = try await device.spaces()
        var members: [String: Json] = [:]
        for space in spaces {
            members[space.id] = .array(
                try await device.members(of: space.id).map {
                    .object(["id": .string($0.id), "name": .string($0.name), "role": optional($0.role)])
                })
        }
        var (documents, timelines): ([String: Json], [String: Json]) = ([:], [:])
        for row in try await device.list(Query(limit: 1_000)).rows {
            documents[row.id] = try await document(device, row.id)
            timelines[row.id] = try await timeline(device, row.id)
        }
        var (lists, searches): ([Json], [Json]) = ([], [])
        for list in wanted["lists"].list { lists.append(try await listed(device, list["query"])) }
        for search in wanted["searches"].list { searches.append(try await found(device, search["text"].text)) }
        return .object([
            "identity": identity(try await device.identity()),
            "spaces": .array(
                spaces.map { .object(["id": .string($0.id), "name": .string($0.name), "role": .string($0.role)]) }),
            "members": .object(members),
            "documents": .object(documents),
            "lists": .array(lists),
            "searches": .array(searches),
            "timelines": .object(timelines),
            "pending": .array(
                try await device.pending().map {
                    .object([
                        "doc": .string($0.doc), "place": .string("\($0.place)"), "title": optional($0.title),
                    ])
                }),
        ])
    }

    private static func identity(_ identity: Identity) -> Json {
        .object([
            "device": .string(identity.device), "member": .string(identity.member),
            "member_name": .string(identity.memberName), "org": .string(identity.org),
            "org_name": .string(identity.orgName),
        ])
    }

    /// What a store says of work that does not get into the record.
    static func refused(_ device: Device) async throws -> Json {
        let backlog = try await device.backlog()
        return .object([
            "backlog": .object([
                "here": .int(Int64(backlog.here)), "held": .int(Int64(backlog.held)),
                "refused": .int(Int64(backlog.refused)),
            ]),
            "pending": .array(
                try await device.pending().map {
                    .object([
                        "doc": .string($0.doc), "place": .string("\($0.place)"), "title": optional($0.title),
                        "reasons": .array($0.reasons.map(Json.string)),
                    ])
                }),
            "drafts": .array(
                try await device.drafts().map { draft in
                    .object([
                        "number": .int(draft.number), "doc": .string(draft.doc), "space": .string(draft.space),
                        "kind": optional(kinds.first { $0.value == draft.kind }?.key),
                        "reason": .string(draft.reason), "made_ms": .int(draft.madeMs),
                        "value": try Json(Data(draft.value.utf8)),
                    ])
                }),
        ])
    }

    static func document(_ device: Device, _ id: String) async throws -> Json {
        let read = try await device.here { try $0.read(doc: id) }
        return .object([
            "space": .string(read.space),
            "kind": .string(kinds.first { $0.value == read.kind }?.key ?? ""),
            "version": .string(read.version),
            "value": try Json(Data(read.value.utf8)),
            "unknown": .array(read.unknown.map(Json.string)),
            "status": .array(read.status.map(mark)),
            "stage": optional(try await device.status(of: id).stage.map { "\($0)" }),
            "conflicts": .array(
                try read.conflicts.map { conflict in
                    .object([
                        "path": .string(conflict.path),
                        "values": .array(
                            try conflict.values.map {
                                .object([
                                    "value": try Json(Data($0.value.utf8)), "change": .string($0.change),
                                    "member_name": optional($0.provenance.memberName),
                                ])
                            }),
                    ])
                }),
        ])
    }

    /// What an exported file says: of a document all but what only a store knows.
    static func exported(_ device: Device, _ file: Data) async throws -> Json {
        let read = try await device.readExport(file)
        return .object([
            "kind": .string(kinds.first { $0.value == read.kind }?.key ?? ""),
            "version": .string(read.version),
            "value": try Json(Data(read.value.utf8)),
            "unknown": .array(read.unknown.map(Json.string)),
            "status": .array(read.status.map(mark)),
            "conflicts": .array(
                try read.conflicts.map { conflict in
                    .object([
                        "path": .string(conflict.path),
                        "values": .array(
                            try conflict.values.map {
                                .object(["value": try Json(Data($0.value.utf8)), "change": .string($0.change)])
                            }),
                    ])
                }),
        ])
    }

    /// What of a document an exported file says.
    static func inAFile(_ document: Json) -> Json {
        let conflicts = document["conflicts"].list.map { conflict in
            Json.object([
                "path": conflict["path"],
                "values": .array(
                    conflict["values"].list.map { .object($0.fields.filter { name, _ in name != "member_name" }) }),
            ])
        }
        return .object(
            document.fields.filter { name, _ in !["space", "stage"].contains(name) }
                .merging(["conflicts": .array(conflicts)]) { _, new in new })
    }

    private static func mark(_ mark: StatusMark) -> Json {
        .object([
            "path": .string(mark.path), "code": .string(mark.code), "round": .int(Int64(mark.round)),
            "by": optional(mark.by), "at_ms": mark.atMs.map(Json.int) ?? .null,
        ])
    }

    private static func listed(_ device: Device, _ query: Json) async throws -> Json {
        var asked = Query()
        for (name, value) in query.fields {
            switch name {
            case "kind": asked.kind = kinds[value.text]
            case "sort": asked.sort = sorts[value.text]
            case "ascending": asked.ascending = value == .bool(true)
            case "conflicts_only": asked.conflictsOnly = value == .bool(true)
            case "offset": asked.offset = UInt32(value.number)
            case "limit": asked.limit = UInt32(value.number)
            case "from_date": asked.fromDate = value.text
            case "to_date": asked.toDate = value.text
            default: throw Relay.Failure(description: "a query by \(name)")
            }
        }
        let page = try await device.list(asked)
        return .object([
            "query": query,
            "total": .int(Int64(page.total)),
            "rows": .array(
                page.rows.map {
                    .object([
                        "id": .string($0.id), "title": .string($0.title), "status": optional($0.status),
                        "date": optional($0.date), "conflicts": .int(Int64($0.conflicts)),
                    ])
                }),
        ])
    }

    private static func found(_ device: Device, _ text: String) async throws -> Json {
        let page = try await device.search(text)
        return .object([
            "text": .string(text), "total": .int(Int64(page.total)), "ids": .array(page.rows.map { .string($0.id) }),
        ])
    }

    private static func timeline(_ device: Device, _ id: String) async throws -> Json {
        .array(
            try await device.timeline(of: id, limit: 100).map { step in
                .object([
                    "change": .string(step.change),
                    "member_name": optional(step.provenance.memberName),
                    "fields": .array(
                        try step.fields.map {
                            .object([
                                "path": .string($0.path), "before": try json($0.before), "after": try json($0.after),
                            ])
                        }),
                ])
            })
    }

    private static func optional(_ text: String?) -> Json {
        text.map(Json.string) ?? .null
    }

    private static func json(_ text: String?) throws -> Json {
        try text.map { try Json(Data($0.utf8)) } ?? .null
    }
}
