import CloudCore
import CloudTesting
import Testing

@testable import CloudMachines

@Suite("A pretended machine that moves")
struct SimulatedMoveTests {
    private func withHosts(_ body: (any MovingHost, any MovingHost) async throws -> Void) async throws {
        try await body(SimulatedHost(), SimulatedHost())
        try await withTemporaryFolder { folder in
            try await body(
                try SimulatedFolderHost(path: "\(folder)/a", networkMode: .bridged),
                try SimulatedFolderHost(path: "\(folder)/b", networkMode: .bridged))
        }
    }

    private func boot(_ host: any MovingHost) async throws -> Machine {
        let machine = try QEMUFixture.machine()
        try await host.makeDisk(machine, from: QEMUFixture.image)
        try await host.makeSeed(machine)
        try await host.boot(machine)
        return machine
    }

    private func prepare(_ machine: Machine, _ a: any MovingHost, _ b: any MovingHost) async throws -> Arrival
    {
        try await b.prepareArrival(
            machine, of: QEMUFixture.image, from: try await a.departure(of: machine),
            certificate: try await a.moveCertificate())
    }

    @Test("is on the other host alone afterwards, each call made twice")
    func moves() async throws {
        try await withHosts { a, b in
            let machine = try await boot(a)
            let arrival = try await prepare(machine, a, b)
            #expect(try await prepare(machine, a, b) == arrival)
            #expect(try await b.status(5) == .arriving)
            await #expect(throws: CloudError.self) { try await b.boot(machine) }
            let first = try await a.depart(machine, to: arrival, certificate: "")
            #expect(first == .copying("copying the disk, 0 of 10240 MB"))
            #expect(try await a.status(5) == .running)
            for _ in 1...2 {
                let status = try await a.depart(machine, to: arrival, certificate: "")
                #expect(status == .switched)
            }
            #expect(try await a.status(5) == .departed)
            await #expect(throws: CloudError.self) { try await a.boot(machine) }
            for _ in 1...2 { try await b.finishArrival(5) }
            await #expect(throws: CloudError.self) { try await b.cancelArrival(5) }
            for _ in 1...2 { try await a.finishDeparture(5) }
            #expect(try await b.status(5) == .running)
            #expect(try await a.inventory().isEmpty)
        }
    }

    @Test("stays where it was when the move is cancelled in any phase", arguments: 0...3)
    func cancelled(calls: Int) async throws {
        try await withHosts { a, b in
            let machine = try await boot(a)
            let arrival = try await prepare(machine, a, b)
            for _ in 0..<calls { _ = try await a.depart(machine, to: arrival, certificate: "") }
            for _ in 1...2 {
                try await b.cancelArrival(5)
                try await a.cancelDeparture(5)
            }
            #expect(try await a.status(5) == .running)
            #expect(try await b.inventory().isEmpty)
            await #expect(throws: CloudError.self) { try await a.finishDeparture(5) }
        }
    }

    @Test("is not moved when it does not run, nor onto a disk that is there")
    func refused() async throws {
        try await withHosts { a, b in
            let machine = try await boot(a)
            try await b.makeDisk(machine, from: QEMUFixture.image)
            await #expect(throws: CloudError.self) { _ = try await prepare(machine, a, b) }
            await #expect(throws: CloudError.self) { try await b.cancelArrival(5) }
            #expect(try await b.inventory()[5]?.hasDisk == true)
            try await a.halt(5)
            await #expect(throws: CloudError.self) { _ = try await a.departure(of: machine) }
        }
    }
}
