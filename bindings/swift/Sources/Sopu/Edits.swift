import Foundation

/// What a person typed while a save or a read ran, put onto what came of it: field by field and item by item, the
/// person's where they touched it.
enum Edits {
    static func made<C: Content>(to before: C, giving after: C, carriedTo merged: C) throws -> C {
        let carried = carry(try fields(before), try fields(after), try fields(merged))
        do {
            return try JSONDecoder().decode(
                C.self, from: JSONSerialization.data(withJSONObject: carried))
        } catch {
            throw SopuError.BadValue(path: "value", code: "unreadable")
        }
    }

    private static func carry(
        _ before: [String: Any], _ after: [String: Any], _ merged: [String: Any]
    ) -> [String: Any] {
        var result = merged
        for name in Set(before.keys).union(after.keys) {
            switch (before[name], after[name]) {
            case (let old?, let new?) where same(old, new):
                break
            case (let old as [String: Any], let new as [String: Any]):
                result[name] = carry(old, new, merged[name] as? [String: Any] ?? [:])
            // An empty map is not written.
            case (nil, let new as [String: Any]):
                result[name] = carry([:], new, merged[name] as? [String: Any] ?? [:])
            case (let old as [String: Any], nil) where isMap(old):
                guard let now = merged[name] as? [String: Any], isMap(now) else {
                    result[name] = nil
                    continue
                }
                let others = now.filter { old[$0.key] == nil }
                result[name] = others.isEmpty ? nil : others
            case (_, let new):
                result[name] = new
            }
        }
        return result
    }

    /// Whether all in it are items; one item has other fields too.
    private static func isMap(_ object: [String: Any]) -> Bool {
        object.values.allSatisfy { $0 is [String: Any] }
    }

    private static func same(_ one: Any, _ other: Any) -> Bool {
        let text = { (value: Any) in
            try? JSONSerialization.data(withJSONObject: [value], options: .sortedKeys)
        }
        return text(one) == text(other)
    }

    private static func fields<C: Content>(_ value: C) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(try value.json().utf8))
        return object as? [String: Any] ?? [:]
    }
}
