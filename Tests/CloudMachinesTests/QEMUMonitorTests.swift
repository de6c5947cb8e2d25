import CloudCore
import QMP
import Testing

@testable import CloudMachines

@Suite("QEMU's own monitor", .timeLimit(.minutes(1)))
struct QEMUMonitorTests {
    /// A monitor of a machine that runs.
    private func withMonitor<Result: Sendable>(
        _ body: @Sendable (QMPClient) async throws -> Result
    ) async throws -> Result {
        try await QEMUFixture.withHost { host, folder in
            let machine = try QEMUFixture.machine()
            try await host.makeDisk(machine, from: QEMUFixture.image)
            try await host.makeSeed(machine)
            try await host.boot(machine)
            let socket = MachineDirectory(data: folder, id: machine.id).monitorSocket
            return try await QMPClient.withConnection(to: socket, body)
        }
    }

    @Test("it stops and goes on, and reports both as events")
    func events() async throws {
        let (states, events) = try await withMonitor { monitor in
            var states: [String?] = []
            for command in ["stop", "cont"] {
                try await monitor.execute(command)
                states.append(try await monitor.execute("query-status")["status"]?.string)
            }
            var events: [String] = []
            for await event in monitor.events.prefix(2) { events.append(event.name) }
            return (states, events)
        }
        #expect(states == ["paused", "running"])
        #expect(events == ["STOP", "RESUME"])
    }

    @Test("it knows its machine by name and UUID")
    func identity() async throws {
        let (name, id) = try await withMonitor { monitor in
            let name = try await monitor.execute("query-name")["name"]?.string
            return (name, try await monitor.execute("query-uuid")["UUID"]?.string)
        }
        #expect(name == "strettch-5")
        #expect(try #require(id).hasSuffix("-8000-000000000005"))
    }

    @Test("it refuses what it does not know, and answers its longest answer")
    func extremes() async throws {
        let schema = try await withMonitor { monitor in
            let error = await #expect(throws: QMPError.self) { try await monitor.execute("bogus") }
            guard case .refused("CommandNotFound", _) = error else {
                Issue.record("\(String(describing: error))")
                return QMPValue.null
            }
            return try await monitor.execute("query-qmp-schema")
        }
        #expect(schema.array?.isEmpty == false)
    }
}
