import CloudCore
import Testing

@testable import CloudMachines

/// Machines for tests, and a host in a folder of its own that is cleaned up whatever happens.
enum QEMUFixture {
    static let image = Image(
        image: "EMPTY-1", imageName: "Empty", version: "1", displayName: "1", source: .build(recipe: "empty"))

    static func machine(
        id: Int64 = 5, keys: [String] = ["ssh-ed25519 AAAA root@test"], sshPort: Int? = nil,
        memoryMb: Int = 128
    ) throws -> Machine {
        let network = try #require(IPv4Network("10.0.0.0/22"))
        return Machine(
            id: id, hostName: "web-1", vcpus: 2, memoryMb: memoryMb, storageGb: 10,
            publicKeys: keys,
            attachment: NetworkAttachment(
                computeId: id, teamId: 1, network: network,
                privateIpv4: try #require(IPv4Address("10.0.0.5")),
                sshPort: sshPort))
    }

    /// A folder of its own for `body`.
    static func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let folder = "/tmp/strettch-\(UInt32.random(in: 0...UInt32.max))"
        try await MachineFiles.makeFolder(folder, as: nil)
        do {
            let result = try await body(folder)
            try await Command("rm", ["-rf", folder]).run()
            return result
        } catch {
            try await Command("rm", ["-rf", folder]).run()
            throw error
        }
    }

    /// A host in user mode whose images are all `image`, or an empty disk. What runs at the end is halted.
    static func withHost<Result>(
        _ image: ReadyImage? = nil, program: String? = nil,
        check: @escaping @Sendable (ReadyImage) async throws -> Void = { _ in },
        _ body: (_ host: QEMUHost, _ folder: String) async throws -> Result
    ) async throws -> Result {
        try await withFolder { folder in
            let base = "\(folder)/base.qcow2"
            try await Command("qemu-img", ["create", "-q", "-f", "qcow2", base, "1G"]).run()
            let host = try await open(
                folder, image: image ?? ReadyImage(disk: base), program: program, check: check)
            let result: Result
            do { result = try await body(host, folder) } catch {
                for id in try await host.inventory().keys { try await host.halt(id) }
                throw error
            }
            for id in try await host.inventory().keys { try await host.halt(id) }
            return result
        }
    }

    /// As a program that starts anew would open the host in `folder`.
    static func open(
        _ folder: String, image: ReadyImage, program: String? = nil,
        check: @escaping @Sendable (ReadyImage) async throws -> Void = { _ in }
    ) async throws -> QEMUHost {
        let images = QEMUHost.Images(status: { _ in .ready }, ready: { _ in image }, check: check)
        var settings = QEMUHost.Settings(dataDirectory: folder, installationId: folder, networkMode: .user)
        if let program { settings.program = program }
        settings.accelerator = AcceleratorChoice(.tcg, reason: "the same on every host")
        return try await QEMUHost.open(settings, images: images, network: nil)
    }

    static func pid(_ folder: String, _ id: Int64) throws -> Int32 {
        let path = MachineDirectory(data: folder, id: id).pidFile
        let text = try #require(MachineFiles.text(path, limit: 32))
        return try #require(Int32(text.filter(\.isNumber)))
    }
}

extension QEMUHost {
    /// The same host with a reserve that is never free.
    var full: QEMUHost {
        var host = self
        host.settings.reserve = DiskReserve(bytes: 1 << 60)
        return host
    }
}
