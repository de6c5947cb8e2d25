import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting
import HTTPTypes
import Testing

/// What a team of each standing may change. A new endpoint that changes something goes into the table.
@Suite("Every change at every standing")
struct StandingTableTests {
    enum Standing: String, CaseIterable {
        case active, pastDue, suspended, suspendedByOperator, terminated

        var code: String {
            switch self {
            case .active: "none"
            case .pastDue: "TEAM_PAST_DUE"
            case .suspended, .suspendedByOperator: "TEAM_SUSPENDED"
            case .terminated: "TEAM_TERMINATED"
            }
        }

        var columns: String {
            switch self {
            case .active: "standing = 'ACTIVE'"
            case .pastDue: "standing = 'PAST_DUE'"
            case .suspended: "standing = 'SUSPENDED'"
            case .suspendedByOperator: "is_suspended_by_operator = 1"
            case .terminated: "standing = 'TERMINATED'"
            }
        }
    }

    enum Change: String, CaseIterable {
        case create, dryRun, start, stop, reboot, upsize, rename, tag, protect, liftProtection
        case liftProtectionAndRename, delete, makeKey, revokeKey
        case snapshot, restore, renameSnapshot, deleteSnapshot
        case image, renameImage, deleteImage

        /// Whether the compute that it is sent for must be stopped.
        var isForStopped: Bool { self == .start || self == .upsize }

        /// Whether it is about a snapshot of the compute.
        var isOfSnapshot: Bool { [.restore, .renameSnapshot, .deleteSnapshot].contains(self) }

        func send(_ cloud: TestCloud, _ id: String, _ snapshot: String?) async throws -> TestAnswer {
            switch self {
            case .create: try await cloud.create()
            case .dryRun:
                try await cloud.send(
                    .post, "/computes?dryRun=true", headers: ["Idempotency-Key": TestCloud.newKey()],
                    body: TestCloud.body())
            case .start: try await cloud.act(.start, on: id)
            case .stop: try await cloud.act(.stop, on: id)
            case .reboot: try await cloud.act(.reboot, on: id)
            case .upsize: try await cloud.act(.upsize, on: id)
            case .rename: try await patch(cloud, id, #"{"hostName": "a"}"#)
            case .tag: try await patch(cloud, id, #"{"tags": ["a"]}"#)
            case .protect: try await patch(cloud, id, #"{"deletionProtection": true}"#)
            case .liftProtection: try await patch(cloud, id, #"{"deletionProtection": false}"#)
            case .liftProtectionAndRename:
                try await patch(cloud, id, #"{"deletionProtection": false, "hostName": "a"}"#)
            case .delete: try await cloud.act(.delete, on: id)
            case .makeKey: try await cloud.send(.post, "/keys", body: #"{"name": "new", "role": "Member"}"#)
            case .revokeKey: try await cloud.send(.delete, "/keys/3")
            case .snapshot: try await cloud.takeSnapshot(of: id)
            case .restore: try await cloud.restore(id, of: snapshot ?? "")
            case .renameSnapshot:
                try await cloud.send(.patch, "/snapshots/\(snapshot ?? "")", body: #"{"name": "a"}"#)
            case .deleteSnapshot: try await cloud.send(.delete, "/snapshots/\(snapshot ?? "")")
            case .image: try await cloud.createUpload(of: [0], slug: "NEW")
            case .renameImage: try await cloud.send(.patch, "/images/RENAMED", body: #"{"name": "a"}"#)
            case .deleteImage: try await cloud.send(.delete, "/images/DELETED")
            }
        }

        private func patch(_ cloud: TestCloud, _ id: String, _ body: String) async throws -> TestAnswer {
            try await cloud.send(.patch, "/computes/\(id)", body: body)
        }
    }

    /// docs/billing.md, "Standing".
    static let refused: [Standing: Set<Change>] = [
        .active: [], .pastDue: [.create, .dryRun, .upsize, .snapshot, .image],
        .suspended: stopped, .suspendedByOperator: stopped, .terminated: stopped,
    ]
    private static let stopped = Set(Change.allCases).subtracting([
        .stop, .delete, .liftProtection, .revokeKey, .deleteSnapshot, .deleteImage,
    ])

    @Test("is refused with the standing's code or made, as the document says", arguments: Standing.allCases)
    func table(_ standing: Standing) async throws {
        try await TestCloud.with { cloud in
            for slug in ["RENAMED", "DELETED"] { _ = try await cloud.createUpload(of: [0], slug: slug) }
            var ids: [Change: String] = [:]
            var snapshots: [Change: String] = [:]
            for change in Change.allCases {
                let id = try await cloud.createAndSettle()
                ids[change] = id
                if change.isOfSnapshot { snapshots[change] = try await cloud.snapshotOf(id) }
            }
            for (change, id) in ids where change.isForStopped { _ = try await cloud.act(.stop, on: id) }
            try await cloud.settle()
            try await cloud.database.write { sql in
                _ = try sql.execute("UPDATE wallets SET \(standing.columns) WHERE team_id = 1")
            }
            for (change, id) in ids {
                let answer = try await change.send(cloud, id, snapshots[change])
                let isRefused = Self.refused[standing]?.contains(change) == true
                #expect(
                    answer.code == (isRefused ? standing.code : nil),
                    "\(change) while \(standing): \(answer.text)")
                #expect(isRefused ? answer.status == 403 : (200..<300).contains(answer.status))
            }
        }
    }

    @Test("what was accepted before is answered again, and the operator makes keys at every standing")
    func unconcerned() async throws {
        try await TestCloud.with { cloud in
            let key = TestCloud.newKey()
            let first = try await cloud.create(idempotencyKey: key)
            try await cloud.database.write { sql in
                _ = try sql.execute("UPDATE wallets SET standing = 'TERMINATED' WHERE team_id = 1")
            }
            #expect(try await cloud.create(idempotencyKey: key).text == first.text)
            let made = try await CreateKey(name: "new", role: .owner, by: .operator(teamId: TestCloud.teamId))
                .run(in: cloud.cloud)
            #expect(made.key.name == "new")
        }
    }
}
