import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudServer
import CloudTesting
import Foundation
import Logging
import Testing

@testable import strettch

@Suite("The listener's settings")
struct ServeSettingsTests {
    private func settings(_ flags: [String: String]) throws -> ServeSettings {
        try ServeSettings(flags: flags.mapValues { [$0] }, file: nil)
    }

    @Test("are off or harmless by default")
    func defaults() async throws {
        let settings = try settings([:])
        #expect(settings.tls == nil)
        #expect(settings.metrics == nil)
        #expect(settings.logFormat == .text)
        #expect(try settings.listener(connections: 4096).limits.connections == 4096)
        #expect(try settings.listener(connections: 9).proxies == .none)
        #expect(try settings.listener(connections: 9).crossOrigin == nil)
    }

    @Test("keep the database in the data folder unless told otherwise, and never write how it is reached")
    func database() async throws {
        #expect(try settings([:]).databaseSettings.connection == nil)
        let told = try settings(["database": "postgresql://u:never-shown@db/x"])
        #expect(told.databaseSettings.connection == "postgresql://u:never-shown@db/x")
        #expect(told.databaseSettings.connections == 8)
        #expect(try settings(["role": "worker"]).databaseSettings.connections == 2)
        let set = try settings(["role": "worker", "databaseConnections": "5"])
        #expect(set.databaseSettings.connections == 5)
        try await withTemporaryFolder { folder in
            let data = try DataFolder(path: folder)
            told.write(to: data, Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let text = try String(contentsOfFile: data.settings, encoding: .utf8)
            #expect(text.contains("postgres") && !text.contains("never-shown"))
            let error = #expect(throws: CloudError.self) {
                try ServeSettings.database(beside: data, config: nil)
            }
            #expect(error?.code == .conflict && error?.message.contains("STRETTCH_DATABASE") == true)
            #expect(throws: CloudError.self) { try told.databaseSettings.requireFile("Use pg_dump.") }
        }
    }

    @Test("take up to three name servers that guests reach, each once, and none by default")
    func nameservers() async throws {
        #expect(try settings([:]).nameservers == nil)
        let told = try settings(["nameservers": "192.0.2.1, 192.0.2.2,192.0.2.1"])
        #expect(told.nameservers?.map(\.description) == ["192.0.2.1", "192.0.2.2"])
        for text in [
            "x", "192.0.2.1,", "2001:db8::1", "127.0.0.1", "169.254.169.253", "10.0.0.1", "0.0.0.0",
            "224.0.0.1",
            "192.0.2.300", "192.0.2.1 192.0.2.2", "192.0.2.1,192.0.2.2,192.0.2.3,192.0.2.4",
        ] {
            let error = #expect(throws: CloudError.self) { try settings(["nameservers": text]) }
            #expect(error?.problems.first?.field.hasSuffix("nameservers") == true, "\(text)")
        }
        let moved = ["nameservers": "10.0.0.1", "privateRange": "172.16.0.0/12"]
        #expect(try settings(moved).nameservers?.map(\.description) == ["10.0.0.1"])
    }

    @Test("bound a guest's connections, and tell a command beside the server by how much")
    func connections() async throws {
        #expect(try settings([:]).networkSettings().guestConnections == 8192)
        let told = try settings(["guestConnections": "500", "underlay": "192.168.77.1"])
        let network = try told.networkSettings()
        #expect(network.guestConnections == 500 && network.underlay?.description == "192.168.77.1")
        for text in ["63", "65537", "-1", "x"] {
            let error = #expect(throws: CloudError.self) {
                try settings(["guestConnections": text])
            }
            #expect(error?.problems.first?.field == "--guest-connections", "\(text)")
        }
        try await withTemporaryFolder { folder in
            let data = try DataFolder(path: folder)
            told.write(to: data, Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            #expect(try ServeSettings.written(in: data).guestConnections == 500)
        }
    }

    @Test("are all told to the commands beside the server, but the secret ones")
    func written() async throws {
        let given = [
            "labels": "ssd, rack 1", "trustedProxies": "10.0.0.0/8, unix",
            "corsOrigins": "https://b.example,https://a.example", "nameservers": "192.0.2.1,192.0.2.2",
            "publicPool": "203.0.113.0/25, 198.51.100.0/24", "sshPorts": "23000-23010", "listen": "[::1]:80",
            "metrics": "unix:/run/m", "tlsCertificate": "c.pem", "tlsKey": "/k.pem", "logLevel": "debug",
            "network": "auto", "placement": "pack", "vcpuOvercommit": "1.5", "strictKeys": "true",
            "underlay": "192.0.2.10", "metadataListen": "169.254.9.9:80",
            "apiUrl": "https://c.example/api/v1",
            "database": "postgresql://db/x",
        ]
        let told = try settings(given)
        try await withTemporaryFolder { folder in
            let data = try DataFolder(path: folder)
            told.write(to: data, Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let read = try ServeSettings.written(in: data)
            for row in SettingTable.all where !row.isSecret {
                #expect(row.text(in: read) == row.text(in: told), "\(row.name)")
            }
            #expect(read.trustedProxies == told.trustedProxies && read.corsOrigins == told.corsOrigins)
            #expect(read.tlsCertificate?.hasPrefix("/") == true && read.network == .ofThisUser)
            #expect(read.database == nil)
        }
    }

    @Test("take certificate and key together")
    func tls() async throws {
        let both = try settings(["tlsCertificate": "/c.pem", "tlsKey": "/k.pem"])
        #expect(both.tls == TLSFiles(certificate: "/c.pem", key: "/k.pem"))
        for (given, missing) in [("tlsCertificate", "tlsKey"), ("tlsKey", "tlsCertificate")] {
            let error = #expect(throws: CloudError.self) { try settings([given: "/x.pem"]) }
            #expect(error?.code == .validationError)
            #expect(error?.problems.first?.field == missing)
        }
    }

    @Test("take an address for the metrics that this machine alone reaches")
    func metrics() async throws {
        #expect(
            try settings(["metrics": "127.0.0.1:9464"]).metrics == .tcp(host: "127.0.0.1", port: 9464))
        #expect(try settings(["metrics": "unix:/run/m"]).metrics == .unix(path: "/run/m"))
        for text in ["0.0.0.0:9464", "10.0.0.1:9464", "9464", "127.0.0.1"] {
            let error = #expect(throws: CloudError.self) { try settings(["metrics": text]) }
            #expect(error?.problems.first?.field == "--metrics", "\(text)")
            #expect(error?.message.contains(text) == true, "\(text)")
        }
    }

    @Test("take addresses strictly, and say what to give instead")
    func addresses() async throws {
        #expect(try settings(["listen": "[::1]:8080"]).listen == .tcp(host: "::1", port: 8080))
        #expect(try settings(["metrics": "[::1]:9464"]).metrics == .tcp(host: "::1", port: 9464))
        for text in ["::0:8080", ":8080", "0:8080", "[::1]", "127.0.0.1:99999"] {
            let error = #expect(throws: CloudError.self) { try settings(["listen": text]) }
            #expect(error?.problems.first?.field == "--listen", "\(text)")
            #expect(
                error?.message.contains("'\(text)'") == true && error?.message.contains("[::]:8080") == true)
        }
    }

    @Test("take proxies and origins, and refuse what is neither")
    func proxiesAndOrigins() async throws {
        let listener = try settings([
            "trustedProxies": "10.0.0.0/8, unix", "corsOrigins": "https://a.example",
        ])
        .listener(connections: 9)
        #expect(listener.proxies == TrustedProxies("10.0.0.0/8,unix"))
        #expect(listener.crossOrigin == CrossOrigin("https://a.example"))
        for (name, flag, text) in [
            ("trustedProxies", "--trusted-proxies", "10.0.0.1/8"),
            ("corsOrigins", "--cors-origins", "https://a.example/"),
        ] {
            let error = #expect(throws: CloudError.self) { try settings([name: text]) }
            #expect(error?.problems.first?.field == flag)
            #expect(error?.message.contains("'\(text)'") == true)
        }
    }

    @Test("take a role, of which SQLite allows all alone")
    func role() async throws {
        for role in ServeRole.allCases {
            #expect(try settings(["role": role.rawValue]).role == role)
            try role.check(isEmbedded: false)
            guard role != .all else { continue }
            let error = #expect(throws: CloudError.self) { try role.check(isEmbedded: true) }
            #expect(error?.problems.first?.field == "role")
        }
        try ServeRole.all.check(isEmbedded: true)
        let error = #expect(throws: CloudError.self) { try settings(["role": "none"]) }
        #expect(error?.problems.first?.field == "--role")
        #expect(ServeRole.allCases.map(\.answersAPI) == [true, true, false])
        #expect(ServeRole.allCases.map(\.hasHost) == [true, false, true])
    }

    @Test("take what the operator says of the host, and of where computes go")
    func host() async throws {
        let standard = try settings([:])
        #expect(standard.hostName == nil && standard.region == nil && standard.labels == nil)
        #expect(standard.placement == .spread && standard.role == .all)
        let own = try settings([
            "hostName": "rack-1", "region": "KGL-1", "labels": "ssd, rack 1", "underlay": "192.0.2.10",
            "placement": "pack",
        ])
        #expect(own.hostName == "rack-1" && own.labels == ["ssd", "rack 1"])
        #expect(own.underlay?.description == "192.0.2.10" && own.cloud.placement == .pack)
        let catalogue = try own.readCatalogue()
        let facts = try own.facts(
            identity: "i", folder: "/tmp", accelerator: "tcg", catalogue: catalogue)
        #expect(facts.region == "KGL-1" && facts.accelerator == "tcg")
        #expect((facts.capacity.storageGb ?? 0) > 0 && (facts.capacity.vcpus ?? 0) >= 16)
        for (field, value) in [
            ("underlay", "rack"), ("placement", "none"),
            ("labels", "a,,\(String(repeating: "x", count: 64))"),
        ] {
            let error = #expect(throws: CloudError.self) { try settings([field: value]) }
            #expect(error?.problems.first?.field == "--\(field)")
        }
        for (field, value) in [("hostName", "-"), ("region", "NONE-1")] {
            let wrong = try settings([field: value])
            let error = #expect(throws: CloudError.self) {
                try wrong.facts(identity: "i", folder: "/tmp", accelerator: nil, catalogue: catalogue)
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
        #expect(try settings(["logFormat": "json"]).logFormat == .json)
        let error = #expect(throws: CloudError.self) { try settings(["logFormat": "xml"]) }
        #expect(error?.problems.first?.field == "--log-format")
    }
}
