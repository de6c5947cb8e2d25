import CloudCore
import Testing

@testable import CloudMachines

@Suite("The name servers that guests are told")
struct NameserverTests {
    private func ofHost(_ files: [String: String], own: [String] = []) throws -> Nameservers {
        Nameservers.ofHost(
            privateRange: try #require(IPv4Network("10.0.0.0/8")),
            own: Set(own.compactMap { IPv4Address($0) })
        ) { files[$0] }
    }

    private func texts(_ nameservers: Nameservers) -> [String] { nameservers.addresses.map(\.description) }

    private static let etc = "/etc/resolv.conf"
    private static let systemd = "/run/systemd/resolve/resolv.conf"

    @Test("are those that the host asks, in its order and each once, at most three")
    func host() throws {
        let found = try ofHost([
            Self.etc: """
            # nameserver 192.0.2.9
            ;nameserver 192.0.2.10
            search example.org
            nameserver\t192.0.2.1
              nameserver 192.0.2.2  trailing
            nameserver 192.0.2.1
            nameservers 192.0.2.8
            nameserver
            nameserver 192.0.2.300
            nameserver 192.0.2.3
            nameserver 192.0.2.4
            """
        ])
        #expect(texts(found) == ["192.0.2.1", "192.0.2.2", "192.0.2.3"] && found.file == Self.etc)
    }

    @Test("leave out those that guests can't reach")
    func unreachable() throws {
        for server in [
            "127.0.0.1", "127.0.0.53", "169.254.169.253", "10.0.0.2", "0.0.0.0", "224.0.0.251", "192.0.2.77",
            "::1",
            "2001:db8::1", "fe80::1%eth0",
        ] {
            let found = try ofHost(
                [Self.etc: "nameserver \(server)\nnameserver 192.0.2.1\n"], own: ["192.0.2.77"])
            #expect(texts(found) == ["192.0.2.1"], "\(server)")
            #expect(
                try ofHost([Self.etc: "nameserver \(server)\n"], own: ["192.0.2.77"]) == .fallback,
                "\(server)")
        }
        #expect(texts(.fallback) == ["1.1.1.1", "9.9.9.9"] && Nameservers.fallback.file == nil)
        #expect(try ofHost([:]) == .fallback)
    }

    @Test("are those that a resolver on the host asks itself")
    func stub() throws {
        let stub = "nameserver 127.0.0.53\r\noptions edns0\r\n"
        let found = try ofHost([Self.etc: stub, Self.systemd: "nameserver 192.0.2.1\r\n"])
        #expect(texts(found) == ["192.0.2.1"] && found.file == Self.systemd)
        let manager = "/run/NetworkManager/no-stub-resolv.conf"
        #expect(
            texts(try ofHost([Self.etc: "nameserver 127.0.1.1", manager: "nameserver 192.0.2.2"])) == [
                "192.0.2.2"
            ])
    }

    @Test("reach the seed of a new machine")
    func seed() async throws {
        try await QEMUFixture.withFolder { folder in
            var settings = QEMUHost.Settings(
                dataDirectory: folder, installationId: "i", networkMode: .bridged)
            settings.nameservers = [
                try #require(IPv4Address("192.0.2.1")), try #require(IPv4Address("192.0.2.2")),
            ]
            settings.accelerator = AcceleratorChoice(.tcg, reason: "nothing runs")
            let images = QEMUHost.Images(
                status: { _ in .ready }, ready: { _ in ReadyImage(disk: "/d") }, check: { _ in })
            let host = try await QEMUHost.open(settings, images: images, network: nil)
            #expect(
                host.seed(try QEMUFixture.machine()).networkConfig.contains(
                    "addresses: [192.0.2.1, 192.0.2.2]\n"))
        }
    }
}
