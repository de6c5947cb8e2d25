import CloudClient
import CloudMachines
import CloudTesting
import CloudWire
import Foundation
import Testing

@testable import strettch

/// The real program on a real PostgreSQL, with pretended machines.
@Suite("strettch serve on PostgreSQL", .serialized)
struct PostgresServeTests {
    @Test(
        "goes on after it and PostgreSQL were killed, without its connection string in log or folder",
        .timeLimit(.minutes(3)))
    func life() async throws {
        try await TestPostgres.withServer { server in
            let database = try server.makeDatabase("cell") + " password=never-shown"
            let environment = ["STRETTCH_DATABASE=\(database)"]
            try await RealCloud.with(simulated: true) { cloud in
                // On SQLite so far.
                try await cloud.end(SIGKILL)
                try FileManager.default.removeItem(atPath: cloud.data)
                try await cloud.start(environment: environment)
                let first = try await Self.create(cloud)
                _ = try await cloud.wait(first, until: "RUNNING")

                try await cloud.end(SIGKILL)
                try await cloud.start(environment: environment)
                _ = try await cloud.wait(first, until: "RUNNING")

                server.kill()
                try await eventually("it says that its database is away") {
                    var options = StrettchClient.Options()
                    options.retry = .never
                    do {
                        _ = try await cloud.client(options: options) { try await $0.compute(id: first) }
                        return false
                    } catch {
                        return "\(error)".contains("SERVICE_UNAVAILABLE")
                    }
                }
                try await server.start()
                try await cloud.answers()
                let second = try await Self.create(cloud)
                _ = try await cloud.wait(second, until: "RUNNING")

                let audit = try await Self.strettch(cloud, environment, "admin", "audit")
                #expect(audit.hasPrefix("0 findings"), "\(audit)")
                for file in ["serve.log", "data/serve.json"] {
                    let text = try String(contentsOfFile: "\(cloud.folder)/\(file)", encoding: .utf8)
                    #expect(!text.contains("never-shown") && !text.contains("dbname="), "\(file)")
                }
                #expect(!FileManager.default.fileExists(atPath: "\(cloud.data)/strettch.sqlite"))
                await #expect(throws: (any Error).self, "it can't know where the database is") {
                    try await Self.strettch(cloud, [], "admin", "audit")
                }
                await #expect(throws: (any Error).self, "a backup is PostgreSQL's own") {
                    try await Self.strettch(cloud, environment, "admin", "backup", "\(cloud.folder)/b")
                }
            }
        }
    }

    private static func create(_ cloud: RealCloud) async throws -> String {
        let asked = CreateComputeWire(
            hostName: "web", image: "TINY-1", region: "KGL-1", specification: "S-1C",
            publicKeys: [TestCloud.publicKey], tags: [], withPublicIp: false)
        return try await cloud.client { try await $0.createCompute(asked, idempotencyKey: UUID()) }.data.id
    }

    @discardableResult
    private static func strettch(
        _ cloud: RealCloud, _ environment: [String], _ arguments: String...
    ) async throws -> String {
        try await Command("env", environment + [cloud.program] + arguments + ["--data", cloud.data]).run()
            .standardOutput
    }
}
