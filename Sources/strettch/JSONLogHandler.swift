import CloudCore
import CloudWire
import Foundation
import Logging

/// Writes each event as one line of JSON: `time`, `level`, `message`, and the metadata as further members.
struct JSONLogHandler: LogHandler {
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    let clock: any CloudClock
    /// Gets one line with its line break.
    let write: @Sendable (String) -> Void

    /// Writes to the standard error stream.
    init() {
        self.init(clock: SystemClock()) { line in
            // A log that nobody reads any more must not end the server.
            try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
        }
    }

    init(clock: any CloudClock, write: @escaping @Sendable (String) -> Void) {
        self.clock = clock
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var members = allMetadata(of: event).mapValues { "\($0)" }
        members["time"] = Timestamp.text(clock.nowMs)
        members["level"] = event.level.rawValue
        members["message"] = "\(event.message)"
        if let error = event.error { members["error"] = "\(error)" }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            write(String(decoding: try encoder.encode(members), as: UTF8.self) + "\n")
        } catch {
            write("{\"level\":\"critical\",\"message\":\"A line of the log could not be encoded.\"}\n")
        }
    }
}

/// How the log is written.
enum LogFormat: String, Sendable, CaseIterable {
    /// For people.
    case text
    /// One JSON object a line, for machines.
    case json
}
