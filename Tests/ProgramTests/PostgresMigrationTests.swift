import CloudClient
import CloudMachines
import CloudTesting
import CloudWire
import Foundation
import Testing

/// The move from SQLite to PostgreSQL under guests that run. Root is needed for bridges.
@Suite("strettch admin migrate-database", .serialized, .enabled(if: RealCloud.isRoot, "bridges need root"))
struct PostgresMigrationTests {
    @Test("keeps guests and addresses, is done once, and lets no server begin anew in the old place")
    func move() async throws {
        try await TestPostgres.withServer { server in
            let environment = ["STRETTCH_DATABASE=\(try server.makeDatabase("cell"))"]
            try await RealCloud.with { cloud in
                let made = try await cloud.client {
                    try await $0.createCompute(try cloud.request("stays"), idempotencyKey: UUID())
                }
                let compute = try await cloud.wait(made.data.id, until: "RUNNING")
                let guests = try await cloud.guests()
                let busy = await #expect(throws: (any Error).self) { try await cloud.migrate(environment) }
                #expect("\(busy.map { "\($0)" } ?? "")".contains("works on \(cloud.data)"))
                try await cloud.end(SIGTERM)

                #expect(try await cloud.migrate(environment).contains("are copied"))
                let again = await #expect(throws: (any Error).self) { try await cloud.migrate(environment) }
                #expect("\(again.map { "\($0)" } ?? "")".contains("was moved to PostgreSQL"))
                try await cloud.launch()
                try await eventually("a server without the setting ends with the reason") {
                    let log = try String(contentsOfFile: "\(cloud.folder)/serve.log", encoding: .utf8)
                    return log.contains("was moved to PostgreSQL. Set database")
                }

                try await cloud.start(environment: environment)
                #expect(try await cloud.guests() == guests, "the same process")
                #expect(try await cloud.ssh(compute, "hostname") == "stays")
                let next = try await cloud.client {
                    try await $0.createCompute(try cloud.request("next"), idempotencyKey: UUID())
                }
                #expect(Int(next.data.id) == Int(compute.id).map { $0 + 1 })
                for id in [compute.id, next.data.id] {
                    try await cloud.client { _ = try await $0.deleteCompute(id: id) }
                }
                try await eventually("both are gone", within: .seconds(60)) {
                    try await cloud.client { try await $0.computes() }.data.isEmpty
                }
            }
        }
    }
}

extension RealCloud {
    fileprivate func migrate(_ environment: [String]) async throws -> String {
        try await inside("env", environment + [program, "admin", "migrate-database", "--data", data]).run()
            .standardOutput
    }
}
