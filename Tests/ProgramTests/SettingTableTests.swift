import ArgumentParser
import CloudCore
import CloudServer
import CloudTesting
import Foundation
import Testing

@testable import strettch

@Suite("The table of settings")
struct SettingTableTests {
    /// A file's text, the name at fault, and words of its message.
    struct BadFile: Sendable {
        var text: String
        var field: String
        var says: String
    }

    static let badFiles = [
        BadFile(text: "tlsCertficate: /c.pem", field: "tlsCertficate", says: "Did you mean tlsCertificate?"),
        BadFile(text: "tls-certificate: /c.pem", field: "tls-certificate", says: "mean tlsCertificate?"),
        BadFile(text: "TLSKEY: /k.pem", field: "TLSKEY", says: "Did you mean tlsKey?"),
        BadFile(text: "STRETTCH_LISTEN: 127.0.0.1:1", field: "STRETTCH_LISTEN", says: "is not a setting."),
        BadFile(text: "zebra: 1", field: "zebra", says: "is not a setting. Correct it"),
        BadFile(text: "tls:\n  certificate: /c.pem\n  key: /k.pem", field: "tls", says: "is not a setting."),
        BadFile(text: "listen:\n  host: 127.0.0.1", field: "listen", says: "more than one value"),
        BadFile(text: "labels: [a, b]", field: "labels", says: "with commas"),
        BadFile(text: "data: /tmp/x", field: "data", says: "--data or STRETTCH_DATA"),
        BadFile(text: "tlsCertificate:", field: "tlsCertificate", says: "is empty"),
        BadFile(text: "tlsCertificate: ~", field: "tlsCertificate", says: "is empty"),
        BadFile(text: "tlsCertificate: ''", field: "tlsCertificate", says: "is empty"),
        BadFile(text: "metrics: '  '", field: "metrics", says: "is empty"),
        BadFile(text: "rateLimit: two", field: "rateLimit", says: "'two' is not valid. Give a whole number"),
        BadFile(text: "rateLimit: 2.0", field: "rateLimit", says: "a whole number of 0 to 10000"),
        BadFile(text: "rateLimit: 010", field: "rateLimit", says: "'010' is not valid"),
        BadFile(text: "rateLimit: -1", field: "rateLimit", says: "'-1' is not valid"),
        BadFile(text: "rateLimit: true", field: "rateLimit", says: "'true' is not valid"),
        BadFile(text: "strictKeys: 2", field: "strictKeys", says: "Give true or false"),
        BadFile(text: "vcpuOvercommit: nan", field: "vcpuOvercommit", says: "'nan' is not valid"),
        BadFile(text: "[listen]: x", field: "(a name)", says: "is not a text"),
        BadFile(text: "<<: {listen: x}", field: "<<", says: "is not a setting"),
        BadFile(text: "listen: 9464", field: "listen", says: "'9464' is not valid. Give ADDRESS:PORT"),
        BadFile(text: "role: none", field: "role", says: "Give all, api or worker"),
        BadFile(text: "logLevel: loud", field: "logLevel", says: "warning, error or critical"),
        BadFile(text: "privateRange: 10.0.0.1/8", field: "privateRange", says: "a block of addresses"),
        BadFile(text: "publicPool: ','", field: "publicPool", says: "comma-separated blocks"),
        BadFile(text: "publicPool: '203.0.113.0/24,,'", field: "publicPool", says: "comma-separated blocks"),
        BadFile(text: "publicPool: '203.0.113.0/24,'", field: "publicPool", says: "comma-separated blocks"),
        BadFile(text: "labels: ','", field: "labels", says: "comma-separated words"),
        BadFile(text: "labels: 'a, ,b'", field: "labels", says: "comma-separated words"),
        BadFile(text: "sshPorts: 22000--22999", field: "sshPorts", says: "FIRST-LAST"),
        BadFile(text: "sshPorts: 22000-22999-", field: "sshPorts", says: "FIRST-LAST"),
        BadFile(text: "sshPorts: 022000-22999", field: "sshPorts", says: "FIRST-LAST"),
        BadFile(text: "sshPorts: +22000-22999", field: "sshPorts", says: "FIRST-LAST"),
        BadFile(text: "apiUrl: cloud", field: "apiUrl", says: "such as https://"),
    ]

    @Test("refuses what a file misspells, nests, leaves empty or gives in another kind", arguments: badFiles)
    func badFile(_ file: BadFile) async throws {
        let error = try await refusal(of: file.text)
        #expect(error.code == .validationError)
        let problem = try #require(error.problems.first)
        #expect(
            problem.field == "\(file.field) (line 1)" && problem.message.contains(file.says), "\(problem)")
    }

    @Test(
        "refuses a file that is not one list of names with values",
        arguments: [
            (
                "listen: 127.0.0.1:1\n\nlisten : 127.0.0.1:2",
                "listen stands there more than once, on lines 1 and 3."
            ),
            ("{listen: a, listen: b}", "listen stands there more than once."),
            ("- listen", "is not a list of settings"), ("listen 127.0.0.1", "is not a list of settings"),
            ("listen: a\n---\nlisten: b", "is not valid YAML"), ("listen: 'a", "is not valid YAML"),
            ("listen: \u{0}", "is not valid YAML"),
        ])
    func badForm(_ text: String, says: String) async throws {
        let error = try await refusal(of: text)
        #expect(error.message.contains(says), "\(error.message)")
    }

    @Test("tells every fault of a file at once, and takes a file that says nothing")
    func wholeFile() async throws {
        let error = try await refusal(of: "listn: x\nrateLimit: y\nwarm:\nteamPrefix: 24")
        #expect(error.problems.map(\.field) == ["listn (line 1)", "rateLimit (line 2)", "warm (line 3)"])
        for text in ["", "# listen: x", "---", "null"] {
            #expect(
                try await ServeSettings.ofFile(text).listen == .tcp(host: "127.0.0.1", port: 8080), "\(text)")
        }
        let good = try await ServeSettings.ofFile(
            "rateLimit: '5'\nstrictKeys: yes\nvcpuOvercommit: 2\nhostName: 12")
        #expect(good.rateLimit == 5 && good.strictKeys && good.vcpuOvercommit == 2)
        #expect(good.hostName == "12")
    }

    @Test("takes lists with one value and with several, with spaces around them")
    func lists() async throws {
        let good = try await ServeSettings.ofFile(
            "labels: 'a, b'\npublicPool: 203.0.113.0/24\nsshPorts: 22000-22000")
        #expect(good.labels == ["a", "b"] && good.publicPool.count == 1 && good.sshPorts == 22000...22000)
    }

    @Test("makes the path of a socket absolute, so that clients in other folders find it")
    func socketPath() async throws {
        let here = FileManager.default.currentDirectoryPath
        let good = try await ServeSettings.ofFile("listen: unix:u.sock\nmetrics: unix:run/../m")
        #expect(good.listen == .unix(path: "\(here)/u.sock"))
        #expect(good.metrics?.description.hasPrefix("unix:/") == true)
        #expect(try await ServeSettings.ofFile("listen: unix:/run/s").listen == .unix(path: "/run/s"))
    }

    @Test(
        "refuses variables that only a misspelling explains, and leaves others alone",
        arguments: [
            ("STRETTCH_TLS_CERTFICATE", "STRETTCH_TLS_CERTIFICATE"), ("STRETTCH_TLSKEY", "STRETTCH_TLS_KEY"),
            ("strettch_listen", "STRETTCH_LISTEN"), ("STRETTCH_LISTEN_", "STRETTCH_LISTEN"),
            ("STRETTCHLISTEN", "STRETTCH_LISTEN"),
            ("STRETCH_LISTEN", "STRETTCH_LISTEN"), ("STRETCH_KEY", "STRETTCH_KEY"),
            ("STRETTCH_DATABSE", "STRETTCH_DATABASE"), ("STRETTCH_KYE", "STRETTCH_KEY"),
        ])
    func variable(_ name: String, meant: String) throws {
        let error = #expect(throws: CloudError.self) { try EnvironmentNames.check([name: "x"]) }
        #expect(error?.problems.first?.field == name)
        #expect(error?.message.contains("Did you mean \(meant)?") == true, "\(error?.message ?? "")")
    }

    @Test("takes the variables of the client, of the tests and of other programs")
    func otherVariables() throws {
        let names =
            EnvironmentNames.known + [
                "STRETTCH_TEST_ENGINE", "STRETTCH_KILL_ROUNDS", "STRETTCH_UNSHARED", "STRETCH_ARMS", "LISTEN",
            ]
        try EnvironmentNames.check(Dictionary(uniqueKeysWithValues: names.map { ($0, "x") }))
        #expect(EnvironmentNames.known.contains("STRETTCH_UNDERLAY_MTU"))
    }

    @Test("refuses empty values of variables and flags, which would be a server without TLS")
    func empty() throws {
        for text in ["", " "] {
            let variable = #expect(throws: CloudError.self) {
                try SettingSources.environment(["STRETTCH_TLS_CERTIFICATE": text])
            }
            #expect(variable?.problems.first?.field == "STRETTCH_TLS_CERTIFICATE")
            let flag = #expect(throws: CloudError.self) {
                try SettingSources.flags(["tlsCertificate": [text]])
            }
            #expect(flag?.problems.first?.field == "--tls-certificate")
        }
    }

    @Test("refuses a flag that is given twice")
    func twice() throws {
        let error = #expect(throws: CloudError.self) {
            try SettingSources.flags(["listen": ["127.0.0.1:1", "127.0.0.1:2"]])
        }
        #expect(error?.message == "The command line: --listen: is given 2 times. Give it once.")
    }

    @Test("is gone by in the program: file, variable and flag end it with what was meant")
    func program() async throws {
        try await withTemporaryFolder { folder in
            try "tlsCertficate: /c.pem\n".write(
                toFile: "\(folder)/c.yaml", atomically: true, encoding: .utf8)
            let data = ["--data", "\(folder)/data"]
            for arguments in [["serve", "--simulated"], ["doctor"], ["admin", "team", "list"]] {
                let run = try await ProgramRun.of(arguments + data + ["--config", "\(folder)/c.yaml"])
                #expect(run.status == ProgramExit.refused.rawValue, "\(arguments)")
                #expect(run.error.contains("Did you mean tlsCertificate?"), "\(run.error)")
            }
            for arguments in [["serve", "--simulated"] + data, ["compute", "list"]] {
                let run = try await ProgramRun.of(arguments, environment: ["STRETTCH_TLS_CERT": "/c.pem"])
                #expect(run.status == ProgramExit.refused.rawValue && run.error.contains("STRETTCH_TLS_CERT"))
            }
            let flag = try await ProgramRun.of(["serve", "--tls-certficate", "/c.pem"] + data)
            #expect(flag.status == ProgramExit.usage.rawValue)
            #expect(flag.error.contains("Did you mean '--tls-certificate'?"), "\(flag.error)")
            let number = try await ProgramRun.of(["serve", "--max-connections", "many"] + data)
            #expect(number.status == ProgramExit.refused.rawValue)
            #expect(number.error.contains("--max-connections: 'many' is not valid. Give a whole number"))
            let noData = try await ProgramRun.of(
                ["admin", "team", "list"], environment: ["STRETTCH_DATA": ""])
            #expect(noData.status == ProgramExit.usage.rawValue && noData.error.contains("STRETTCH_DATA"))
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/data"))
        }
    }

    private func refusal(of text: String) async throws -> CloudError {
        do {
            _ = try await ServeSettings.ofFile(text)
        } catch let error as CloudError {
            return error
        }
        throw TestFailure("'\(text)' was taken")
    }
}

extension ServeSettings {
    /// What a settings file with the text says.
    static func ofFile(_ text: String) async throws -> ServeSettings {
        try await withTemporaryFolder { folder in
            try Data(text.utf8).write(to: URL(filePath: "\(folder)/c.yaml"))
            return try ServeSettings([SettingSources.file("\(folder)/c.yaml")])
        }
    }
}
