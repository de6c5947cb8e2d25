#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Something that the monitor reported of its own accord, e.g. `SHUTDOWN`.
public struct QMPEvent: Sendable, Equatable {
    public var name: String
    public var data: QMPValue
}

/// One line from the monitor (QEMU Machine Protocol Specification, section 2).
enum QMPMessage: Equatable {
    case greeting
    case event(QMPEvent)
    case success(id: Int64, QMPValue)
    case failure(id: Int64, QMPError)

    /// Throws `.malformed` when the line is no message of the protocol.
    init(line: some Collection<UInt8>) throws(QMPError) {
        guard let value = try? JSONDecoder().decode(QMPValue.self, from: Data(line)) else {  // reported below
            throw .malformed(Self.excerpt(line))
        }
        if value["QMP"] != nil {
            self = .greeting
        } else if let name = value["event"]?.string {
            self = .event(QMPEvent(name: name, data: value["data"] ?? .object([:])))
        } else if let result = value["return"], let id = value["id"]?.integer {
            self = .success(id: id, result)
        } else if let error = value["error"], let id = value["id"]?.integer {
            self = .failure(
                id: id,
                .refused(class: error["class"]?.string ?? "", description: error["desc"]?.string ?? ""))
        } else {
            throw .malformed(Self.excerpt(line))
        }
    }

    private static func excerpt(_ line: some Collection<UInt8>) -> String {
        String(decoding: line.prefix(200), as: UTF8.self)
    }
}

/// A command on its way to the monitor.
struct QMPRequest: Encodable {
    var execute: String
    var arguments: [String: QMPValue]
    var id: Int64

    /// One line of JSON with its end.
    func line() throws -> [UInt8] { Array(try JSONEncoder().encode(self)) + [UInt8(ascii: "\n")] }
}
