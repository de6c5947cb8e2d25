import ArgumentParser
import CloudAudit
import CloudControl
import CloudCore
import CloudMachines
import CloudTesting
import Foundation
import Logging
import Testing

@testable import strettch

@Suite("strettch admin audit")
struct AdminAuditTests {
    @Test("goes by what the server was started with, wherever that came from")
    func settings() async throws {
        try await withTemporaryFolder { folder in
            let data = try DataFolder(path: "\(folder)/data")
            let flags = [
                "network": "user", "privateRange": "10.8.0.0/13", "teamPrefix": "24",
                "sshPorts": "23000-23010",
                "publicPool": "203.0.113.0/25, 198.51.100.0/24", "metadataListen": "169.254.9.9:80",
                "stopGrace": "7",
                "billing": "true", "simulated": "true",
                "catalogue": "\(folder)/own.yaml",
            ]
            let served = try ServeSettings(flags: flags.mapValues { [$0] }, file: nil)
            served.write(to: data, Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let read = try ServeSettings.written(in: data)
            #expect(read.network == .user && read.simulated)
            #expect(read.privateRange == served.privateRange && read.teamPrefix == 24)
            #expect(read.publicPool == served.publicPool && read.publicPool.count == 2)
            #expect(read.metadataListen == served.metadataListen)
            #expect(read.catalogue == "\(folder)/own.yaml")
            #expect(read.audit(secondLookAfter: .zero) == served.audit(secondLookAfter: .zero))
            #expect(read.audit(secondLookAfter: .zero).isBilled)
            #expect(read.audit(secondLookAfter: .zero).stopGraceMs == 7000)
            #expect(read.audit(secondLookAfter: .zero).sshPorts == 23000...23010)
        }
    }

    @Test("is refused where no server has been")
    func noServer() async throws {
        try await withTemporaryFolder { folder in
            let error = await #expect(throws: CloudError.self) {
                let parsed = try Strettch.parseAsRoot(["admin", "audit", "--data", "\(folder)/data"])
                var command = try #require(parsed as? any AsyncParsableCommand)
                try await command.run()
            }
            #expect(error.map { ProgramExit($0) } == .conflict)
            #expect(error?.message.contains("\(folder)/data") == true)
        }
    }

    @Test("prints a line for each finding and one for all")
    func output() throws {
        let none = OutputAudit(
            AuditReport(findings: [], computes: 12, events: 340, teams: 3), after: .milliseconds(41))
        #expect(none.text == "0 findings: 12 computes, 340 events, 3 teams looked at in 41 ms")
        let one = OutputAudit(
            AuditReport(
                findings: [AuditFinding(.disk, computeId: 5, "compute 5 has\nno disk.")], computes: 1,
                events: 2,
                teams: 1), after: .seconds(1))
        #expect(
            one.text
                == "disk: compute 5 has\u{FFFD}no disk.\n1 finding: 1 computes, 2 events, 1 teams looked at in 1000 ms"
        )
        let json = try OutputText.json(one)
        #expect(json.contains("\"computeId\" : \"5\"") && json.contains("\"invariant\" : \"disk\""))
    }
}
