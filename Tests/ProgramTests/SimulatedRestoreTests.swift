import CloudClient
import CloudTesting
import CloudWire
import Foundation
import Testing

@Suite("A restore of a server whose machines are pretended", .serialized)
struct SimulatedRestoreTests {
    @Test("looks at its own machines: none is called lost that is there, and what was made since is told")
    func machines() async throws {
        try await RealCloud.with(simulated: true) { cloud in
            let one = try await cloud.create("one")
            try await cloud.running(one)
            try await cloud.strettch("admin", "backup", "\(cloud.folder)/backup", "--data", cloud.data)
            let two = try await cloud.create("two")
            try await cloud.running(two)
            try await cloud.end(SIGTERM)
            let text = try await cloud.strettch(
                "admin", "restore", "\(cloud.folder)/backup", "--yes", "--json", "--data",
                cloud.data)
            let said = try JSONDecoder().decode(Said.self, from: Data(text.utf8))
            #expect(said.orphans == [two] && said.withoutDisk.isEmpty)
        }
    }

    private struct Said: Decodable {
        var orphans: [String]
        var withoutDisk: [String]
    }
}

extension RealCloud {
    fileprivate func running(_ id: String) async throws {
        try await eventually("compute \(id) runs") {
            try await client { try await $0.compute(id: id) }.data.state == "RUNNING"
        }
    }
}
