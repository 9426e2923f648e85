import Foundation

/// A kind's content: `VisitNote`, `Contract`, `ServiceListing`. What is absent reads as its default, and
/// nothing absent is written.
public protocol Content: Codable, Hashable, Sendable {
    /// Of which kind such documents are.
    static var kind: Kind { get }
}

extension Contract {
    public static var kind: Kind { .contract }
}

extension VisitNote {
    public static var kind: Kind { .visitNote }
}

extension ServiceListing {
    public static var kind: Kind { .serviceListing }
}

extension Content {
    /// Reads a JSON object as the core gives it.
    /// - Throws: `SopuError.BadValue` when it is of another kind or no JSON object.
    public init(json: String) throws {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(json.utf8))
        } catch {
            // The decoder's own words would carry content into logs.
            throw SopuError.BadValue(path: "value", code: "unreadable")
        }
    }

    /// As the JSON object the core takes; the same content always gives the same text.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        } catch {
            throw SopuError.BadValue(path: "value", code: "unwritable")
        }
    }
}
