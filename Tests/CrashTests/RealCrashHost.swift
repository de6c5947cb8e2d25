import CloudCore
@testable import CloudMachines
import CloudTesting
import Foundation
import Synchronization

/// A real host in a folder and a network namespace of its own, which are gone afterwards.
struct RealCrashHost: Sendable {
    let folder: String
    let space: String
    let disk = PretendedDisk()
    private let host: QEMUHost

    /// With the free space of this moment.
    var machines: QEMUHost {
        var host = host
        if disk.isFull { host.settings.reserve = DiskReserve(bytes: 1 << 60) }
        return host
    }

    /// On the network between the hosts; so the machines' network has every part that it can have.
    private static let underlay = "192.0.2.1"
    static let otherHost = IPv4Address(0xC000_0202)  // 192.0.2.2

    static func with<Result>(_ body: (RealCrashHost) async throws -> Result) async throws -> Result {
        let name = "cr\(UInt32.random(in: 0...0xFFFFFF))"
        let folder = "/tmp/\(name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        do {
            let host = try await make(name, folder)
            do {
                let result = try await body(host)
                try await host.takeDown()
                return result
            } catch {
                try await host.takeDown()
                throw error
            }
        } catch {
            try FileManager.default.removeItem(atPath: folder)
            throw error
        }
    }

    private static func make(_ space: String, _ folder: String) async throws -> RealCrashHost {
        try await Command("ip", ["netns", "add", space]).run()
        let enter = ["ip", "netns", "exec", space]
        let uplink = """
            link set lo up
            link add uplink type bridge
            address add \(Self.underlay)/24 dev uplink
            link set uplink up
            route add default dev uplink

            """
        try await Command(enter[0], enter.dropFirst() + ["ip", "-batch", "-"], input: uplink).run()
        try await Command(enter[0], enter.dropFirst() + ["sysctl", "-q", "-w", "net.ipv4.ip_forward=0"]).run()
        let image = "\(folder)/base.qcow2"
        try await Command("qemu-img", ["create", "-q", "-f", "qcow2", image, "1G"]).run()
        var network = BridgedNetwork(
            settings: try NetworkSettings(underlay: Self.underlay), commandPrefix: enter)
        network.announce = { announcements in
            try await NetworkSpace.run(in: space) { try ARPSocket.send(announcements) }
        }
        network.openTap = { tap in try await NetworkSpace.run(in: space) { try TapFile.open(tap) } }
        var settings = QEMUHost.Settings(
            dataDirectory: folder, installationId: space, networkMode: .bridged)
        settings.accelerator = AcceleratorChoice(.tcg, reason: "the same on every host")
        let ready = ReadyImage(disk: image)
        let images = QEMUHost.Images(status: { _ in .ready }, ready: { _ in ready }, check: { _ in })
        let machines = try await QEMUHost.open(settings, images: images, network: network)
        return RealCrashHost(folder: folder, space: space, host: machines)
    }

    private func takeDown() async throws {
        for id in try await machines.inventory().keys { try await machines.halt(id) }
        try await Command("ip", ["netns", "delete", space]).run()
        try FileManager.default.removeItem(atPath: folder)
    }

    /// Takes the way to a machine's monitor away, so that it can't be asked to end.
    func loseMonitor(of id: Int64) throws {
        try FileManager.default.removeItem(atPath: "\(folder)/machines/\(id)/qmp.sock")
    }

    /// Lets a machine's disk take a little more, behind the end of what QEMU looks at.
    func growDisk(of id: Int64) throws {
        let file = try FileHandle(forWritingTo: URL(filePath: "\(folder)/machines/\(id)/disk.qcow2"))
        try file.seekToEnd()
        try file.write(contentsOf: Data(repeating: 7, count: 1 << 20))
        try file.close()
    }

    /// What there is: machines with what they do, files, interfaces, and rules.
    func lines() async throws -> [String] {
        var lines: [String] = []
        for id in try await machines.inventory().keys.sorted() {
            let status = try await machines.status(id)
            let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/machines/\(id)")
                .sorted()
            lines.append("machine \(id) \(status) \(files)")
        }
        // Which table was made first makes no difference, so they go by their names.
        let tables = try await inside(["nft", "list", "tables"]).sorted().map {
            ["nft", "list"] + $0.split(separator: " ").map(String.init)
        }
        for words in [["ip", "-br", "-4", "address"], ["sysctl", "net.ipv4.ip_forward"]] + tables {
            lines += try await inside(words)
        }
        // Whether a link is up the kernel finds out in its own time.
        let links = try await inside(["ip", "-br", "link"])
        return lines + links.map { String($0.prefix { $0 != " " }) }.sorted()
    }

    private func inside(_ words: [String]) async throws -> [String] {
        try await Command("ip", ["netns", "exec", space] + words).run()
            .standardOutput.split(separator: "\n").map(String.init)
    }
}

/// Whether the disk of a host is full, as the host is told.
final class PretendedDisk: Sendable {
    private let full = Mutex(false)

    var isFull: Bool {
        get { full.withLock { $0 } }
        set { full.withLock { $0 = newValue } }
    }
}
