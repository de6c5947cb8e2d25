import CloudCore
import Foundation
import Testing

@testable import CloudMachines

@Suite("The claim on a host's network")
struct NetworkClaimTests {
    private let service = "strettch-test-\(UUID().uuidString.prefix(8))"

    private func claim(_ installation: String, owner: uid_t = geteuid()) throws -> NetworkClaim {
        try NetworkClaim.make(installationId: installation, service: service, owner: owner)
    }

    @Test("keeps another installation away while a server of the first runs, and no longer")
    func others() throws {
        let first = try claim("first")
        withExtendedLifetime(first) {
            let error = #expect(throws: CloudError.self) { try claim("second") }
            #expect(error?.code == .conflict)
            let says = "belongs to another installation of strettch (first), whose server runs."
            #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
        }
    }

    @Test("is free when its server has ended, and what was refused holds nothing")
    func ended() throws {
        do {
            let first = try claim("first")
            withExtendedLifetime(first) { _ = #expect(throws: CloudError.self) { try claim("second") } }
        }
        let second = try claim("second")
        withExtendedLifetime(second) { _ = #expect(throws: CloudError.self) { try claim("first") } }
    }

    @Test("lets a new server of the same installation in, and holds until the last of them ends")
    func takeover() throws {
        var servers = [try claim("first"), try claim("first"), try claim("first")]
        while !servers.isEmpty {
            #expect(throws: CloudError.self) { try claim("second") }
            servers.removeLast()
        }
        _ = try claim("second")
    }

    @Test(
        "does not count where another user made it, or where an installation's name only begins as another's")
    func strangers() throws {
        let (first, longer) = (try claim("first"), try claim("first", owner: geteuid() + 1))
        try withExtendedLifetime((first, longer)) {
            _ = try claim("second", owner: geteuid() + 1)
            #expect(throws: CloudError.self) { try claim("firs") }
            #expect(throws: CloudError.self) { try claim("first2") }
        }
    }

    @Test("names the installation in a name that /proc/net/unix shows whole")
    func longName() throws {
        let installation = UUID().uuidString
        let first = try NetworkClaim.make(installationId: installation, service: service)
        withExtendedLifetime(first) {
            let error = #expect(throws: CloudError.self) { try claim("second") }
            #expect(error?.message.contains(installation) == true)
        }
    }
}
