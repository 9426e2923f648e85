import Foundation

/// JSON as such, to compare what types write with what files say.
enum Json: Codable, Equatable {
    case null
    case bool(Bool)
    case int(Int64)
    case string(String)
    case array([Json])
    case object([String: Json])

    init(_ data: Data) throws {
        self = try JSONDecoder().decode(Json.self, from: data)
    }

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let int = try? value.decode(Int64.self) {
            self = .int(int)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([Json].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: Json].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .bool(let bool): try value.encode(bool)
        case .int(let int): try value.encode(int)
        case .string(let string): try value.encode(string)
        case .array(let array): try value.encode(array)
        case .object(let object): try value.encode(object)
        }
    }

    subscript(_ name: String) -> Json { fields[name] ?? .null }

    var fields: [String: Json] {
        if case .object(let fields) = self { return fields }
        return [:]
    }

    var list: [Json] {
        if case .array(let list) = self { return list }
        return []
    }

    var text: String {
        if case .string(let text) = self { return text }
        return ""
    }

    var number: Int64 {
        if case .int(let number) = self { return number }
        return 0
    }

    func string() throws -> String {
        String(decoding: try JSONEncoder().encode(self), as: UTF8.self)
    }

    func without(_ names: Set<String>) -> Json {
        .object(fields.filter { !names.contains($0.key) })
    }

    /// The paths at which a value has nothing: of optionals, texts, lists and records, to the bottom.
    static func gaps(in value: Any, _ path: String) -> [String] {
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .optional:
            return mirror.children.first.map { gaps(in: $0.value, path) } ?? [path]
        case .collection, .set:
            return mirror.children.first.map { gaps(in: $0.value, path + "[]") } ?? [path]
        case .dictionary:
            guard let (_, entry) = mirror.children.first else { return [path] }
            return Mirror(reflecting: entry).children.dropFirst().flatMap { gaps(in: $0.value, path + "{}") }
        case .struct where !mirror.children.isEmpty && !(value is String):
            return mirror.children.flatMap { gaps(in: $0.value, "\(path).\($0.label ?? "")") }
        default:
            return (value as? String)?.isEmpty == true ? [path] : []
        }
    }
}
