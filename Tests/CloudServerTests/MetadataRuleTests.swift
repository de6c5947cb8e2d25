import CloudCore
import Testing

@testable import CloudServer

@Suite("The rules of the metadata service")
struct MetadataRuleTests {
    private static func compute() throws -> Compute {
        Compute(
            id: 325, teamId: 1, hostName: "web-1", state: .running, intent: .running, image: "TINY-1",
            specification: "S-1C", region: "KGL-1", vcpus: 1, memoryMb: 512, storageGb: 10,
            publicKeys: ["ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"], tags: [],
            network: try #require(IPv4Network("10.0.4.0/22")), createdAtMs: 0, updatedAtMs: 0,
            job: Job(.keep, .idle, sinceMs: 0))
    }

    @Test("several values are lines, none is an empty text")
    func lists() throws {
        let tree = MetadataTree(try Self.compute())
        #expect(tree.text(at: "public-keys") == "ssh-ed25519 AAAA one\nssh-ed25519 BBBB two")
        #expect(tree.text(at: "tags")?.isEmpty == true)
    }

    @Test("a compute without addresses has no interfaces")
    func interfaces() throws {
        #expect(MetadataTree(try Self.compute()).text(at: "interfaces/") == nil)
    }

    @Test("user data is handed on as it is, and is not there when there is none")
    func userData() throws {
        var compute = try Self.compute()
        #expect(MetadataTree(compute).text(at: "user-data") == nil)
        compute.userData = "#cloud-config\n{}"
        #expect(MetadataTree(compute).text(at: "user-data") == compute.userData)
        #expect(MetadataJSON(compute).userData == compute.userData)
    }

    @Test(
        "a netmask is the prefix in dotted decimal",
        arguments: [(0, "0.0.0.0"), (22, "255.255.252.0"), (32, "255.255.255.255")])
    func netmask(prefix: Int, text: String) throws {
        let network = try #require(IPv4Network(base: IPv4Address(0), prefix: prefix))
        #expect(network.netmask.description == text)
    }

    @Test("a clock that is set back shuts no guest out for long")
    func clockSetBack() throws {
        let rate = GuestRate()
        let guest = IPv4Address(1)
        try rate.count(guest, nowMs: 1_000_000)
        #expect(throws: CloudError.self) { try rate.count(guest, nowMs: 0) }
        try rate.count(guest, nowMs: GuestRate.pauseMs)
    }

    @Test("what is remembered of guests is bounded")
    func remembered() throws {
        let rate = GuestRate()
        for address in 0...UInt32(GuestRate.maxRemembered) { try rate.count(IPv4Address(address), nowMs: 0) }
        try rate.count(IPv4Address(0), nowMs: 0)
        #expect(rate.remembered <= GuestRate.maxRemembered)
    }
}
