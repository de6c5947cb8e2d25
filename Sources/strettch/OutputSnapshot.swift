import CloudWire

/// How snapshots are shown to people.
enum OutputSnapshot {
    /// A table of snapshots, or what to do when there are none.
    static func list(_ snapshots: [SnapshotWire], isFiltered: Bool = false) -> String {
        guard !snapshots.isEmpty || !isFiltered else { return "No snapshot passes the filter." }
        guard !snapshots.isEmpty else {
            return "There are no snapshots. Take one with: strettch snapshot create COMPUTE NAME"
        }
        return OutputTable(
            header: ["ID", "NAME", "STATE", "COMPUTE", "SIZE", "IMAGE", "CREATED"],
            rows: snapshots.map {
                [
                    $0.id, $0.name, state($0), $0.computeId, $0.sizeBytes.map(size) ?? "-", $0.image,
                    $0.createdAt,
                ]
            }
        ).text
    }

    /// All that is known of one snapshot, a line each.
    static func detail(_ snapshot: SnapshotWire) -> String {
        OutputText.clean(
            lines: OutputText.facts(
                [
                    ("id", snapshot.id), ("name", snapshot.name), ("computeId", snapshot.computeId),
                    ("state", snapshot.state), ("action", snapshot.task?.action),
                    ("step", snapshot.task.map(OutputCompute.step)),
                    ("failure", snapshot.failure.map { "\($0.code): \($0.message)" }),
                    ("image", snapshot.image), ("storageGb", String(snapshot.storageGb)),
                    ("size", snapshot.sizeBytes.map(size)), ("consistency", snapshot.consistency),
                    ("protected", snapshot.deletionProtection ? "from deletion" : nil),
                    ("cost", snapshot.cost), ("createdAt", snapshot.createdAt),
                    ("updatedAt", snapshot.updatedAt),
                ], width: 13))
    }

    /// What to say of a snapshot that was accepted and is not waited for.
    static func accepted(_ snapshot: SnapshotWire) -> String {
        OutputText.clean(lines: [
            "\(name(snapshot)) is \(snapshot.state).",
            "Look at it with: strettch snapshot get \(snapshot.id)",
        ])
    }

    /// What to say of a snapshot that is there.
    static func ready(_ snapshot: SnapshotWire) -> String {
        OutputText.clean(lines: [
            "\(name(snapshot)) is \(snapshot.state)\(snapshot.sizeBytes.map { ", \(size($0))" } ?? "").",
            "Restore it with: strettch compute restore \(snapshot.computeId) --snapshot \(snapshot.id)",
        ])
    }

    /// What to say of a snapshot after a change.
    static func changed(_ snapshot: SnapshotWire) -> String { "\(name(snapshot)) is \(snapshot.state)." }

    /// `before-upgrade (412)`.
    static func name(_ snapshot: SnapshotWire) -> String {
        OutputText.clean("\(snapshot.name) (\(snapshot.id))")
    }

    private static func state(_ snapshot: SnapshotWire) -> String {
        snapshot.task.map { "\(snapshot.state) (\($0.step))" } ?? snapshot.state
    }

    /// Whole MiB, rounded up.
    static func size(_ bytes: Int) -> String {
        let mebibyte = 1 << 20
        return "\(bytes / mebibyte + (bytes % mebibyte == 0 ? 0 : 1)) MiB"
    }
}
