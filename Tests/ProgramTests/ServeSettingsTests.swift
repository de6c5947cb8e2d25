import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
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
        #expect(try settings.listener().limits.connections == 4096)
        #expect(try settings.listener().proxies == .none)
        #expect(try settings.listener().crossOrigin == nil)
    }

    @Test("keep the database in the data folder unless told otherwise, and never write how it is reached")
    func database() async throws {
        #expect(try await settings([:]).database.connection == nil)
        let told = try await settings(["database": "postgresql://u:never-shown@db/x"])
        #expect(told.database.connection == "postgresql://u:never-shown@db/x")
        #expect(told.database.connections == 8)
        #expect(try await settings(["role": "worker"]).database.connections == 2)
        let set = try await ServeSettings(
            flags: ["role": "worker", "databaseConnections": ConfigValue(.int(5), isSecret: false)], file: nil
        )
        #expect(set.database.connections == 5)
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

    @Test("take up to three name servers that guests reach, each once, and none by default")
    func nameservers() async throws {
        #expect(try await settings([:]).nameservers == [])
        let told = try await settings(["nameservers": "192.0.2.1, 192.0.2.2,192.0.2.1"])
        #expect(told.nameservers.map(\.description) == ["192.0.2.1", "192.0.2.2"])
        for text in [
            "x", "192.0.2.1,", "2001:db8::1", "127.0.0.1", "169.254.169.253", "10.0.0.1", "0.0.0.0",
            "224.0.0.1",
            "192.0.2.300", "192.0.2.1 192.0.2.2", "192.0.2.1,192.0.2.2,192.0.2.3,192.0.2.4",
        ] {
            let error = await #expect(throws: CloudError.self) { try await settings(["nameservers": text]) }
            #expect(error?.problems.first?.field == "nameservers", "\(text)")
        }
        let moved = ["nameservers": "10.0.0.1", "privateRange": "172.16.0.0/12"]
        #expect(try await settings(moved).nameservers.map(\.description) == ["10.0.0.1"])
    }

    @Test("bound a guest's connections, and tell a command beside the server by how much")
    func connections() async throws {
        #expect(try await settings([:]).networkSettings().guestConnections == 8192)
        let told = try await settings(["guestConnections": "500", "underlay": "192.168.77.1"])
        let network = try told.networkSettings()
        #expect(network.guestConnections == 500 && network.underlay?.description == "192.168.77.1")
        for text in ["63", "65537", "-1", "x"] {
            let error = await #expect(throws: CloudError.self) {
                try await settings(["guestConnections": text])
            }
            #expect(error?.problems.first?.field == "--guest-connections", "\(text)")
        }
        try await withTemporaryFolder { folder in
            let data = try DataFolder(path: folder)
            told.write(to: data, Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            #expect(try await ServeSettings.written(in: data).guestConnections == 500)
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

    @Test("take addresses strictly, and say what to give instead")
    func addresses() async throws {
        #expect(try await settings(["listen": "[::1]:8080"]).listen == .tcp(host: "::1", port: 8080))
        #expect(try await settings(["metrics": "[::1]:9464"]).metrics == .tcp(host: "::1", port: 9464))
        for text in ["::0:8080", ":8080", "0:8080", "[::1]", "127.0.0.1:99999"] {
            let error = await #expect(throws: CloudError.self) { try await settings(["listen": text]) }
            #expect(error?.problems.first?.field == "listen", "\(text)")
            #expect(
                error?.message.contains("'\(text)'") == true && error?.message.contains("[::]:8080") == true)
        }
    }

    @Test("take proxies and origins, and refuse what is neither")
    func proxiesAndOrigins() async throws {
        let listener = try await settings([
            "trustedProxies": "10.0.0.0/8, unix", "corsOrigins": "https://a.example",
        ])
        .listener()
        #expect(listener.proxies == TrustedProxies("10.0.0.0/8,unix"))
        #expect(listener.crossOrigin == CrossOrigin("https://a.example"))
        for (name, text) in [("trustedProxies", "10.0.0.1/8"), ("corsOrigins", "https://a.example/")] {
            let error = await #expect(throws: CloudError.self) { try await settings([name: text]) }
            #expect(error?.problems.first?.field == name)
            #expect(error?.message.contains("'\(text)'") == true)
        }
    }

    @Test("take a role, of which SQLite allows all alone")
    func role() async throws {
        for role in ServeRole.allCases {
            #expect(try await settings(["role": role.rawValue]).role == role)
            try role.check(isEmbedded: false)
            guard role != .all else { continue }
            let error = #expect(throws: CloudError.self) { try role.check(isEmbedded: true) }
            #expect(error?.problems.first?.field == "role")
        }
        try ServeRole.all.check(isEmbedded: true)
        let error = await #expect(throws: CloudError.self) { try await settings(["role": "none"]) }
        #expect(error?.problems.first?.field == "role")
        #expect(ServeRole.allCases.map(\.answersAPI) == [true, true, false])
        #expect(ServeRole.allCases.map(\.hasHost) == [true, false, true])
    }

    @Test("take what the operator says of the host, and of where computes go")
    func host() async throws {
        let standard = try await settings([:])
        #expect(!standard.host.name.isEmpty && standard.host.region == nil && standard.host.labels == [])
        #expect(standard.placement == .spread && standard.role == .all)
        let own = try await settings([
            "hostName": "rack-1", "region": "KGL-1", "labels": "ssd, rack 1", "underlay": "192.0.2.10",
            "placement": "pack",
        ])
        #expect(own.host.name == "rack-1" && own.host.labels == ["ssd", "rack 1"])
        #expect(own.host.underlay == "192.0.2.10" && own.cloud.placement == .pack)
        let catalogue = try own.readCatalogue()
        let facts = try own.host.facts(
            identity: "i", folder: "/tmp", accelerator: "tcg", catalogue: catalogue)
        #expect(facts.region == "KGL-1" && facts.accelerator == "tcg")
        #expect((facts.capacity.storageGb ?? 0) > 0 && (facts.capacity.vcpus ?? 0) >= 16)
        for (field, value) in [
            ("underlay", "rack"), ("placement", "none"),
            ("labels", "a,,\(String(repeating: "x", count: 64))"),
        ] {
            let error = await #expect(throws: CloudError.self) { try await settings([field: value]) }
            #expect(error?.problems.first?.field == field)
        }
        for (field, value) in [("hostName", "-"), ("region", "NONE-1")] {
            let wrong = try await settings([field: value])
            let error = #expect(throws: CloudError.self) {
                try wrong.host.facts(identity: "i", folder: "/tmp", accelerator: nil, catalogue: catalogue)
            }
            #expect(error?.problems.first?.field == field)
        }
    }

    @Test("are kept apart from the host's identity, which is made once for each data folder")
    func identity() throws {
        try withFolder { folder in
            let data = try DataFolder(path: folder)
            #expect(try data.knownHostIdentity() == nil)
            let identity = try data.hostIdentity()
            #expect(identity.count == 32)
            #expect(try data.hostIdentity() == identity)
            #expect(try data.knownHostIdentity() == identity)
        }
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = "/tmp/strettch-identity-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: folder) }  // what is left of a test is no finding
        try body(folder)
    }

    @Test("take text or json for the log")
    func logFormat() async throws {
        #expect(try await settings(["logFormat": "json"]).logFormat == .json)
        let error = await #expect(throws: CloudError.self) { try await settings(["logFormat": "xml"]) }
        #expect(error?.problems.first?.field == "logFormat")
    }
}
