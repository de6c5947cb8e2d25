import CloudWire
import Foundation

/// How events are shown to people: a line each, in columns of fixed widths, since those to come are not known.
enum OutputEvent {
    static let header = columns("TIME", "KIND", "COMPUTE", "BY", "DETAIL")

    static func line(_ event: EventWire) -> String {
        OutputText.clean(
            columns(event.at, event.kind, event.computeId ?? "-", actor(event.actor), detail(event)))
    }

    /// With what it is about, where that is not a compute, which has a column of its own.
    private static func detail(_ event: EventWire) -> String {
        let resource = event.resource.flatMap { $0.kind == "compute" ? nil : "\($0.kind) \($0.id)" }
        return [resource, event.detail].compactMap(\.self).joined(separator: ": ")
    }

    /// `deploy (3)` for a key, else the kind of actor.
    private static func actor(_ actor: ActorWire) -> String {
        guard let id = actor.keyId else { return actor.type }
        return actor.keyName.map { "\($0) (\(id))" } ?? "key \(id)"
    }

    private static func columns(
        _ time: String, _ kind: String, _ compute: String, _ by: String, _ detail: String
    ) -> String {
        var line = ""
        for (cell, width) in [(time, 20), (kind, 24), (compute, 7), (by, 20)] {
            line += cell + String(repeating: " ", count: max(0, width - cell.count) + 2)
        }
        line += detail
        while line.hasSuffix(" ") { line.removeLast() }
        return line
    }
}

extension OutputText {
    /// The API's own data as JSON in one line, members sorted.
    static func jsonLine(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
