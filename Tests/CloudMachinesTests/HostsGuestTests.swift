import CloudCore
import CloudTesting
import Foundation
import Testing

@testable import CloudMachines

/// Real machines on two hosts, each host in a network namespace.
@Suite(
    "Real guests on two hosts", .serialized, .timeLimit(.minutes(5)),
    .enabled(if: NetworkLab.isRoot, "namespaces need root"))
struct HostsGuestTests {
    /// What a guest may take to its SSH banner: 5 s on an idle host without KVM.
    private let bootLimit = Duration.seconds(90)

    @Test("teammates know what they may send, and reach each other by their private addresses")
    func ping() async throws {
        let image = try await TinyImage.shared.store().ready(try TinyImage.image())
        try await HostsLab.with { lab, _ in
            try await QEMUFixture.withFolder { folder in
                let key = "\(folder)/key"
                try await Command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]).run()
                let publicKey = try #require(MachineFiles.text("\(key).pub", limit: 1000))
                let guests = try [5, 6].enumerated().map { host, compute in
                    HostsLab.Guest(
                        attachment: try NetworkLab.attachment(compute: Int64(compute), team: 1), host: host,
                        space: lab.hosts[host].host)
                }
                var hosts: [QEMUHost] = []
                for guest in guests {
                    hosts.append(try await open(lab.hosts[guest.host], "\(folder)/\(guest.host)", image))
                }
                do {
                    for (host, guest) in zip(hosts, guests) {
                        try await start(host, guest, try lab.plan(guest.host, guests), key: publicKey)
                    }
                    for (guest, other) in [(guests[0], guests[1]), (guests[1], guests[0])] {
                        let login = GuestLogin(lab: lab.hosts[0], guest: guest, key: key)
                        try await eventually("\(guest.address) lets its owner in", within: bootLimit) {
                            await login.answers()
                        }
                        try await eventually("\(other.address) answers", within: bootLimit) {
                            await lab.hosts[0].pings(lab.hosts[other.host].host, other.address)
                        }
                        #expect(try await login.run("cat /sys/class/net/e*/mtu") == "1450\n")
                        let answer = try await login.run("ping -c 1 -W 5 -s 1422 \(other.address)")
                        #expect(answer.contains("1 packets received"), "\(answer)")
                    }
                } catch {
                    try await halt(hosts)
                    throw error
                }
                try await halt(hosts)
            }
        }
    }

    /// A host whose QEMU has its tap in the lab's namespace.
    private func open(_ lab: NetworkLab, _ folder: String, _ image: ReadyImage) async throws -> QEMUHost {
        try await MachineFiles.makeFolder(folder, as: nil)
        var network = lab.network
        network.openTap = { tap in try await NetworkSpace.run(in: lab.host) { try TapFile.open(tap) } }
        var settings = QEMUHost.Settings(
            dataDirectory: folder, installationId: folder, networkMode: .bridged)
        settings.accelerator = AcceleratorChoice(.tcg, reason: "the same on every host")
        let images = QEMUHost.Images(status: { _ in .ready }, ready: { _ in image }, check: { _ in })
        return try await QEMUHost.open(settings, images: images, network: network)
    }

    private func start(
        _ host: QEMUHost, _ guest: HostsLab.Guest, _ plan: NetworkPlan, key: String
    ) async throws {
        let machine = Machine(
            id: guest.attachment.computeId, hostName: "guest", vcpus: 1, memoryMb: 192, storageGb: 1,
            publicKeys: [key.filter { !$0.isNewline }], attachment: guest.attachment)
        try await host.makeDisk(machine, from: QEMUFixture.image)
        try await host.makeSeed(machine)
        try await host.applyNetwork(plan)
        try await host.boot(machine)
    }

    private func halt(_ hosts: [QEMUHost]) async throws {
        for host in hosts {
            for id in try await host.inventory().keys { try await host.halt(id) }
        }
    }
}

/// Runs commands in a guest as its root, from the host that it is on.
private struct GuestLogin {
    var lab: NetworkLab
    var guest: HostsLab.Guest
    var key: String

    func answers() async -> Bool {
        do {
            _ = try await run("true")
            return true
        } catch {
            return false  // "not yet"
        }
    }

    func run(_ command: String) async throws -> String {
        try await lab.run(
            guest.space, "ssh", "-i", key, "-o", "StrictHostKeyChecking=no", "-o",
            "UserKnownHostsFile=/dev/null",
            "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "root@\(guest.address)",
            command)
    }
}
