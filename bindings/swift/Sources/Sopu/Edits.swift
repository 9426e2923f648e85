import Foundation

/// What a person typed while a save or a read ran, put onto what came of it: field by field and item by item, the
/// person's where they touched it. An item they touched that others took out meanwhile is there again, whole.
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
                let now = merged[name] as? [String: Any]
                // An item that was taken out comes back whole: a part of it alone says nothing.
                result[name] = now == nil && isItem(name) ? new : carry(old, new, now ?? [:])
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

    /// Whether all in it are items.
    private static func isMap(_ object: [String: Any]) -> Bool {
        object.keys.allSatisfy(isItem)
    }

    /// Items are kept under ids, which no field is named like.
    private static func isItem(_ name: String) -> Bool {
        UUID(uuidString: name) != nil
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
