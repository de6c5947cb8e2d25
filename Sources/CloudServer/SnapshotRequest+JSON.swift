import CloudControl
import CloudCore
import CloudWire

/// The body of `POST /computes/{id}/snapshots`.
struct SnapshotRequest {
    var name: String
    var deletionProtection: Bool

    /// Unknown members are ignored. Throws `VALIDATION_ERROR` with every member that is missing or wrong.
    init(members: [String: JSONValue]) throws(CloudError) {
        var fields = Fields(members)
        name = fields.string("name")
        deletionProtection = fields.boolIfSent("deletionProtection") ?? false
        let problems = DisplayName.problem(name).map { [Problem("name", $0)] } ?? []
        try fields.end(problems)
        if !problems.isEmpty { throw CloudError.invalid(problems) }
    }
}

extension SnapshotUpdate {
    /// Reads the members of an update's body; those that are absent stay as they are. Throws `VALIDATION_ERROR`.
    init(members: [String: JSONValue]) throws(CloudError) {
        var fields = Fields(members)
        self.init(
            name: fields.stringIfSent("name"), deletionProtection: fields.boolIfSent("deletionProtection"))
        let problems = name.flatMap(DisplayName.problem).map { [Problem("name", $0)] } ?? []
        try fields.end(problems)
        if !problems.isEmpty { throw CloudError.invalid(problems) }
        guard self == SnapshotUpdate() else { return }
        throw CloudError.invalid([
            Problem("name", "nothing to change. Send at least one of name, deletionProtection.")
        ])
    }
}

extension SnapshotFilter {
    /// Adds to `problems` every value that no snapshot can have.
    init(computeId: String?, state: String?, _ problems: inout [Problem]) {
        self.init(
            computeId: computeId.flatMap(CloudRequestContext.id),
            state: state.flatMap(SnapshotState.init(rawValue:)))
        if let computeId, self.computeId == nil {
            problems.append(
                Problem("computeId", "'\(computeId.shown)' is not a decimal number of at most 18 digits."))
        }
        if let state, self.state == nil { problems.append(Problem("state", SnapshotState.unknown(state))) }
    }
}

extension ChangeCompute.Change {
    /// Reads a restore's body. Throws `VALIDATION_ERROR` for what is not an id.
    init(restoreMembers members: [String: JSONValue]) throws(CloudError) {
        var fields = Fields(members)
        let id = fields.idIfSent("snapshot", required: true)
        try fields.end([])
        self = .restore(snapshot: id ?? 0)
    }
}

extension Fields {
    /// A resource's id, a string of digits; `nil` where there is none or none that can be.
    mutating func idIfSent(_ name: String, required: Bool = false) -> Int64? {
        guard let text = required ? string(name) : stringIfSent(name) else { return nil }
        let id = CloudRequestContext.id(text)
        if id == nil, !problems.contains(where: { $0.field == name }) {
            problems.append(
                Problem(
                    name, "'\(text.shown)' is not an id. Send the decimal id as a string, such as \"412\"."))
        }
        return id
    }
}
