import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import Testing

@testable import CloudWorker

@Suite("A move that can't begin, or a host that can't go")
struct MoveRefusalTests {
    private func refusal(_ moving: MoveCloud, to name: String? = nil) async throws -> CloudError? {
        let error = await #expect(throws: CloudError.self) { try await moving.begin(to: name) }
        #expect(try await moving.move() == nil)
        let rooms = try await moving.cloud.database.read { sql in try sql.hosts.list().map(\.taken.vcpus) }
        #expect(rooms == [1, 0], "nothing is taken")
        return error
    }

    private func set(_ moving: MoveCloud, _ assignment: String) async throws {
        _ = try await moving.cloud.database.write { sql in
            try sql.execute("UPDATE hosts SET \(assignment)")
        }
    }

    @Test("is refused with the reason, and takes nothing", arguments: [nil, "host-2"])
    func destination(_ name: String?) async throws {
        let reasons = [
            ("underlay = NULL WHERE id = 2", "underlay"),
            ("move_certificate = NULL WHERE id = 2", "certificate"),
            ("accelerator = 'kvm' WHERE id = 2", "kvm"), ("store = 'shared' WHERE id = 2", "disks"),
            ("state = 'CORDONED' WHERE id = 2", "cordoned"), ("state = 'DRAINING' WHERE id = 2", "draining"),
            ("heartbeat_ms = 1 WHERE id = 2", "down"), ("region = 'HUY-1' WHERE id = 2", "region"),
            ("memory_mb = 1 WHERE id = 2", "RAM"),
        ]
        for (assignment, reason) in reasons {
            try await MoveCloud.with { moving in
                try await set(moving, assignment)
                let error = try await refusal(moving, to: name)
                #expect(error?.code == .unprocessableEntity)
                #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
            }
        }
    }

    @Test("is refused where the compute's own host can't let it go")
    func source() async throws {
        for (assignment, reason) in [
            ("underlay = NULL WHERE id = 1", "underlay"),
            ("move_certificate = NULL WHERE id = 1", "certificate"),
            ("store = 'shared' WHERE id = 1", "disks"),
        ] {
            try await MoveCloud.with { moving in
                try await set(moving, assignment)
                let error = try await refusal(moving)
                #expect(error?.code == .conflict && error?.message.contains(reason) == true)
            }
        }
    }

    @Test("is refused to its own host, to none that there is, and of what does not run")
    func target() async throws {
        try await MoveCloud.with { moving in
            #expect(try await refusal(moving, to: "host-1")?.code == .conflict)
            #expect(try await refusal(moving, to: "host-9")?.code == .resourceNotFound)
            _ = try await moving.cloud.act(.stop, on: "1")
            let error = try await refusal(moving)
            #expect(error?.code == .conflict && error?.message.contains("'stop' is under way") == true)
        }
    }

    @Test("is repeated by the same request, and another has to wait")
    func repeated() async throws {
        try await MoveCloud.with { moving in
            let move = try await moving.begin()
            #expect(try await moving.begin(to: "host-2") == move)
            let error = await #expect(throws: CloudError.self) { try await moving.begin(to: "host-1") }
            #expect(error?.code == .conflict && error?.message.contains("'host-2'") == true)
            #expect(try await moving.kinds() == ["compute.move.begun"])
        }
    }

    @Test("keeps a host in the cell until nothing is under way; what a dead one has left goes with it")
    func removal() async throws {
        try await MoveCloud.with { moving in
            let remove = ChangeHost(name: "host-2", change: .remove)
            try await moving.begin(until: .copy)
            let error = await #expect(throws: CloudError.self) {
                try await remove.run(in: moving.cloud.cloud)
            }
            #expect(error?.code == .conflict && error?.message.contains("copy") == true)
            _ = try await moving.cloud.act(.stop, on: "1")
            try await moving.settle([moving.source])
            #expect(try await moving.step() == .returned)
            _ = try await remove.run(in: moving.cloud.cloud)
            #expect(try await moving.move() == nil)
            let rooms = try await moving.cloud.database.read { sql in
                try sql.query("SELECT taken_vcpus FROM hosts ORDER BY id").map { try $0.int("taken_vcpus") }
            }
            #expect(rooms == [1, 0])
        }
    }

    @Test("leaves apart what a tag keeps apart, on its way too")
    func apart() async throws {
        try await MoveCloud.with { moving in
            _ = try await moving.cloud.database.write { sql in
                try sql.execute(
                    "INSERT INTO resource_tags (team_id, resource_id, tag) VALUES (1, 1, 'apart-x')")
            }
            let hosts = { @Sendable in
                try await moving.cloud.database.read { sql in
                    try sql.hosts.sharing(teamId: 1, tags: ["apart-x"])
                }
            }
            #expect(try await hosts() == [1])
            _ = try await moving.begin()
            #expect(try await hosts() == [1, 2])
        }
    }
}
