import CloudDatabase
import CloudWire

/// A backup as the operator's commands print it.
struct OutputBackup: Encodable {
    var file: String
    var installationId: String
    var schemaVersion: Int
    var teams: Int64
    /// Those that are not DESTROYED.
    var computes: Int64
    /// `nil`: there is none.
    var lastEventId: String?
    var lastEventAt: String?
    var bytes: Int64
    /// What it took to write and check; `nil` where it was only read.
    var milliseconds: Int64?

    init(_ figures: DatabaseFigures, file: String, milliseconds: Int64? = nil) {
        self.file = file
        installationId = figures.installationId
        schemaVersion = figures.schemaVersion
        teams = figures.teams
        computes = figures.computes
        lastEventId = figures.lastEventAtMs.map { _ in String(figures.lastEventId) }
        lastEventAt = figures.lastEventAtMs.map(Timestamp.text)
        bytes = figures.bytes
        self.milliseconds = milliseconds
    }

    /// A line for each thing that is known of it.
    var text: String {
        let lines: [(name: String, value: String?)] = [
            ("file", file), ("cell", installationId), ("schema", "\(schemaVersion)"), ("teams", "\(teams)"),
            ("computes", "\(computes)"),
            ("last event", lastEventId.map { "\($0), of \(lastEventAt ?? "")" } ?? "none"),
            ("bytes", "\(bytes)"), ("took", milliseconds.map { "\($0) ms" }),
        ]
        return OutputText.clean(lines: OutputText.facts(lines, width: 14))
    }
}
