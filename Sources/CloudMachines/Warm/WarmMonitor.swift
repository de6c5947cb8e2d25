import CloudCore
import QMP

/// What is asked of the monitor of a guest that is booted ahead. Throws `QMPError`.
///
/// Its seed is read through QEMU's `blkdebug`, which lets the reads of some sectors fail, and such a failure stops the
/// whole guest (`rerror=stop`). Once the seed says who the guest is, it is read without that; QEMU repeats what failed
/// when the guest goes on, so the guest sees neither the failure nor the pause.
struct WarmMonitor {
    var monitor: QMPClient

    /// The node that stops the guest.
    private static let gate = "seed-gate"

    /// Names of ours within a QEMU.
    private enum Name {
        static let backend = "net"
        static let card = "network"
    }

    private static let answerLimit = Duration.seconds(5)

    /// The vector's words for a seed that stops its guest at the gates.
    static func seed(_ file: QEMUNode.Handed, gates: [Int]) throws -> [String] {
        let rules = gates.map { sector -> QMPValue in
            ["event": "read_aio", "iotype": "read", "sector": .integer(Int64(sector))]
        }
        let gate: QMPValue = [
            "driver": "blkdebug", "node-name": .string(gate), "image": .string(QEMUNode.seedFile),
            "inject-error": .array(rules),
        ]
        return try QEMUNode.seed(file, through: [gate], over: Self.gate)
            + ["-device", "virtio-blk-pci,drive=\(QEMUNode.seed),rerror=stop"]
    }

    /// Whether the guest stands still before its seed.
    func isReady() async throws -> Bool { try await (hasGate(), runState()) == (true, "io-error") }

    func runState() async throws -> String { try await execute("query-status")["status"]?.string ?? "" }

    /// Whether the guest has not been told yet who it is.
    func hasGate() async throws -> Bool {
        let nodes = try await execute("query-named-block-nodes", ["flat": .bool(true)]).array ?? []
        return nodes.contains { $0["node-name"]?.string == Self.gate }
    }

    /// Plugs the guest's network card in, unless it is there.
    ///
    /// - Parameters:
    ///   - backend: what the card leads to; `nil`: the tap that the guest was started with.
    ///   - card: the card's own properties.
    func plugNetwork(_ backend: [String: QMPValue]?, card: [String: QMPValue]) async throws {
        let devices = try await execute("qom-list", ["path": "/machine/peripheral"]).array ?? []
        guard !devices.contains(where: { $0["name"]?.string == Name.card }) else { return }
        if let backend {
            // One that is left of an attempt which was cut short belongs to no card, and nothing else tells of it.
            _ = try? await execute("netdev_del", ["id": .string(Name.backend)])  // usually there is none
            try await execute("netdev_add", backend.merging(["id": .string(Name.backend)]) { $1 })
        }
        let own: [String: QMPValue] = [
            "driver": "virtio-net-pci", "id": .string(Name.card), "netdev": .string(Name.backend),
            "romfile": "",
            "bus": .string(QEMUArguments.networkPortName),
        ]
        try await execute("device_add", own.merging(card) { $1 })
    }

    /// Lets the guest read its seed from now on.
    func openSeed() async throws {
        try await execute(
            "blockdev-reopen",
            [
                "options": [
                    [
                        "driver": "raw", "node-name": .string(QEMUNode.seed),
                        "file": .string(QEMUNode.seedFile), "read-only": .bool(true),
                    ]
                ]
            ])
        try await execute("blockdev-del", ["node-name": .string(Self.gate)])
    }

    func wake() async throws { try await execute("cont") }

    @discardableResult
    private func execute(_ command: String, _ arguments: [String: QMPValue] = [:]) async throws -> QMPValue {
        try await monitor.execute(command, arguments, timeout: Self.answerLimit)
    }
}
