import CloudCore
import CloudTesting
import Testing

@testable import CloudMachines

/// Two hosts in folders of their own on this machine, over one image, and a machine that moves between them.
struct MoveLab: Sendable {
    struct Side: Sendable {
        var host: QEMUHost
        var folder: String
        var name: String

        func directory(_ id: Int64) -> MachineDirectory { MachineDirectory(data: folder, id: id) }

        /// QEMU's own word of what it does; `nil`: there is no process.
        func runState(_ id: Int64) async throws -> String? {
            guard try host.hasProcess(id) else { return nil }
            return try await host.monitor(id).move { try await $0.runState() }
        }

        func kill(_ id: Int64) async throws {
            let process = try #require(HostProcess(pid: try QEMUFixture.pid(folder, id)))
            try process.end()
            try await eventually("the process is gone") { process.isGone }
        }
    }

    var a: Side
    var b: Side

    static func with<Result>(
        _ body: (MoveLab) async throws -> Result
    ) async throws -> Result {
        try await QEMUFixture.withFolder { folder in
            let disk = "\(folder)/disk.qcow2"
            try await Command("qemu-img", ["create", "-q", "-f", "qcow2", disk, "1G"]).run()
            try ImageManifest.describe(folder: folder, image: "EMPTY-1", origin: "", nowMs: 0)
                .write(folder: folder)
            return try await with(image: ReadyImage(disk: disk), body)
        }
    }

    /// - Parameter image: of both hosts; `nil`: each has one of its own.
    static func with<Result>(
        image: ReadyImage?, _ body: (MoveLab) async throws -> Result
    ) async throws -> Result {
        try await QEMUFixture.withHost(image) { a, first in
            try await QEMUFixture.withHost(image) { b, second in
                try await body(
                    MoveLab(
                        a: Side(host: a, folder: first, name: "a"),
                        b: Side(host: b, folder: second, name: "b")))
            }
        }
    }

    /// A machine without a guest that runs on `a`.
    func boot(_ machine: Machine) async throws {
        try await a.host.makeDisk(machine, from: QEMUFixture.image)
        try await a.host.makeSeed(machine)
        try await a.host.boot(machine)
    }

    func move(_ machine: Machine, arriving: Machine? = nil, back: Bool = false) -> Move {
        Move(
            machine: machine, arriving: arriving ?? machine, source: back ? b : a,
            destination: back ? a : b)
    }
}

/// One move, as somebody drives it who knows the protocol and asks again what failed.
struct Move: Sendable {
    var machine: Machine
    /// The same machine with its place in the destination's network.
    var arriving: Machine
    var source: MoveLab.Side
    var destination: MoveLab.Side

    func prepare() async throws -> Arrival {
        let departure = try await source.host.departure(of: machine)
        return try await destination.host.prepareArrival(
            arriving, of: QEMUFixture.image, from: departure,
            certificate: try await source.host.moveCertificate())
    }

    func depart(to arrival: Arrival) async throws -> MoveStatus {
        try await source.host.depart(
            machine, to: arrival, certificate: try await destination.host.moveCertificate())
    }

    /// Asks until the machine has departed or can't.
    func departWholly(to arrival: Arrival) async throws -> MoveStatus {
        var status = MoveStatus.copying("")
        try await eventually("the departure ends", within: .seconds(60)) {
            status = try await depart(to: arrival)
            if case .copying = status { return false }
            return true
        }
        return status
    }

    func finish() async throws {
        try await destination.host.finishArrival(machine.id)
        try await source.host.finishDeparture(machine.id)
    }

    func cancel() async throws {
        try await destination.host.cancelArrival(machine.id)
        try await source.host.cancelDeparture(machine.id)
    }

    func run() async throws {
        let arrival = try await prepare()
        let status = try await departWholly(to: arrival)
        #expect(status == .switched, "\(status)")
        try await finish()
    }

    /// Nothing of the machine is at the destination, and it runs at its source, ready for another move.
    func expectStayed() async throws {
        #expect(try await source.runState(machine.id) == "running")
        #expect(try await source.host.status(machine.id) == .running)
        #expect(!MachineFiles.exists(source.directory(machine.id).departure))
        let look = try await source.host.monitor(machine.id).move { try await $0.lookAtDeparture() }
        #expect(!look.hasCredentials && !look.isConnected && look.job == nil && look.memory == nil)
        #expect(try await destination.runState(machine.id) == nil)
        #expect(try await destination.host.inventory().isEmpty)
        #expect(!MachineFiles.exists(destination.directory(machine.id).path))
    }

    /// Nothing of the machine is at its source, and it runs at the destination, ready for another move.
    func expectMoved() async throws {
        #expect(try await destination.runState(machine.id) == "running")
        #expect(try await destination.host.status(machine.id) == .running)
        #expect(!MachineFiles.exists(destination.directory(machine.id).arrival))
        let objects = try await destination.host.monitor(machine.id).move { monitor in
            [
                try await monitor.hasObject(MoveMonitor.Name.credentials),
                try await monitor.hasObject(MoveMonitor.Name.peer),
            ]
        }
        #expect(objects == [false, false])
        #expect(try await source.runState(machine.id) == nil)
        #expect(try await source.host.status(machine.id) == .absent)
        #expect(try await source.host.inventory().isEmpty)
    }
}
