import CloudCore
import CloudServer
import CloudTesting
import Configuration
import Foundation
import Logging
import Testing

@testable import strettch

@Suite("The listener's settings")
struct ServeSettingsTests {
    private func settings(_ flags: [String: String]) async throws -> ServeSettings {
        try await ServeSettings(
            flags: flags.mapValues { ConfigValue(.string($0), isSecret: false) }, file: nil)
    }

    @Test("are off or harmless by default")
    func defaults() async throws {
        let settings = try await settings([:])
        #expect(settings.tls == nil)
        #expect(settings.metrics == nil)
        #expect(settings.logFormat == .text)
        #expect(try settings.listener().limits.connections == 512)
    }

    @Test("keep the database in the data folder unless told otherwise, and never write how it is reached")
    func database() async throws {
        #expect(try await settings([:]).database.connection == nil)
        let told = try await settings(["database": "postgresql://u:never-shown@db/x"])
        #expect(told.database.connection == "postgresql://u:never-shown@db/x")
        #expect(told.database.connections == 8)
        try await withTemporaryFolder { folder in
            let data = try DataFolder(path: folder)
            told.write(to: data, Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let text = try String(contentsOfFile: data.settings, encoding: .utf8)
            #expect(text.contains("postgres") && !text.contains("never-shown"))
            let error = await #expect(throws: CloudError.self) {
                try await ServeSettings.database(beside: data, config: nil)
            }
            #expect(error?.code == .conflict && error?.message.contains("STRETTCH_DATABASE") == true)
            #expect(throws: CloudError.self) { try told.database.requireFile("Use pg_dump.") }
        }
    }

    @Test("take certificate and key together")
    func tls() async throws {
        let both = try await settings(["tlsCertificate": "/c.pem", "tlsKey": "/k.pem"])
        #expect(both.tls == TLSFiles(certificate: "/c.pem", key: "/k.pem"))
        for (given, missing) in [("tlsCertificate", "tlsKey"), ("tlsKey", "tlsCertificate")] {
            let error = await #expect(throws: CloudError.self) { try await settings([given: "/x.pem"]) }
            #expect(error?.code == .validationError)
            #expect(error?.problems.first?.field == missing)
        }
    }

    @Test("take an address for the metrics that this machine alone reaches")
    func metrics() async throws {
        #expect(
            try await settings(["metrics": "127.0.0.1:9464"]).metrics == .tcp(host: "127.0.0.1", port: 9464))
        #expect(try await settings(["metrics": "unix:/run/m"]).metrics == .unix(path: "/run/m"))
        for text in ["0.0.0.0:9464", "10.0.0.1:9464", "9464", "127.0.0.1"] {
            let error = await #expect(throws: CloudError.self) { try await settings(["metrics": text]) }
            #expect(error?.problems.first?.field == "metrics", "\(text)")
            #expect(error?.message.contains(text) == true, "\(text)")
        }
    }

    @Test("take text or json for the log")
    func logFormat() async throws {
        #expect(try await settings(["logFormat": "json"]).logFormat == .json)
        let error = await #expect(throws: CloudError.self) { try await settings(["logFormat": "xml"]) }
        #expect(error?.problems.first?.field == "logFormat")
    }
}
