import CloudCore
import CloudTesting
import Testing

@testable import CloudMachines

/// With real QEMUs whose guests are their firmware.
@Suite("A move that can't be", .timeLimit(.minutes(3)))
struct MoveFaultTests {
    private func withMove(_ body: (Move) async throws -> Void) async throws {
        try await MoveLab.with { lab in
            let machine = try QEMUFixture.machine()
            try await lab.boot(machine)
            try await body(lab.move(machine))
        }
    }

    @Test("is cancelled in each phase, twice, and the machine goes on where it was, and moves after that")
    func cancelled() async throws {
        let phases: [HostEffect?] = [
            nil, .useCredentials, .connectDisk, .copyDisk, .copyMemory, .endDiskCopy, .disconnectDisk,
            .expectSwitch, .switchOver,
        ]
        try await withMove { move in
            for last in phases {
                let arrival = try await move.prepare()
                if let last { try await move.depart(to: arrival, until: last) }
                for _ in 1...2 { try await move.cancel() }
                try await move.expectStayed()
            }
            try await move.run()
            try await move.expectMoved()
        }
    }

    @Test("whose destination is killed in the midst leaves the machine running, and the next one moves it")
    func destinationKilled() async throws {
        try await withMove { move in
            let arrival = try await move.prepare()
            try await move.depart(to: arrival, until: .copyMemory)
            try await move.destination.kill(5)
            let status = try await move.departWholly(to: arrival)
            guard case .failed = status else { throw NeverTrue(what: "it fails: \(status)") }
            #expect(try await move.source.runState(5) == "running")
            await #expect(throws: CloudError.self) { try await move.destination.host.finishArrival(5) }
            await #expect(throws: CloudError.self) { try await move.destination.host.boot(move.machine) }
            try await move.cancel()
            try await move.expectStayed()
            try await move.run()
            try await move.expectMoved()
        }
    }

    @Test(
        "whose source is killed before the switch leaves nothing that runs, and the machine boots at its source"
    )
    func sourceKilled() async throws {
        try await withMove { move in
            let arrival = try await move.prepare()
            try await move.depart(to: arrival, until: .disconnectDisk)
            try await move.source.kill(5)
            #expect(try await move.depart(to: arrival) == .failed("the machine has ended on its host"))
            await #expect(throws: CloudError.self) { try await move.destination.host.finishArrival(5) }
            #expect(try await move.destination.runState(5) != "running")
            #expect(try await move.source.host.status(5) == .absent)
            try await move.cancel()
            try await move.source.host.boot(move.machine)
            try await move.expectStayed()
        }
    }

    @Test("whose source is killed at the switch is not booted there before the move is cancelled")
    func sourceKilledAtSwitch() async throws {
        try await withMove { move in
            let arrival = try await move.prepare()
            try await move.depart(to: arrival, until: .switchOver)
            try await move.source.kill(5)
            #expect(try await move.source.host.status(5) == .departed)
            let error = await #expect(throws: CloudError.self) {
                try await move.source.host.boot(move.machine)
            }
            #expect(error?.code == .conflict)
            try await move.cancel()
            #expect(try await move.source.host.status(5) == .absent)
            try await move.source.host.boot(move.machine)
            try await move.expectStayed()
        }
    }

    @Test("is refused to a peer with a certificate that is not the one that was told, on either side")
    func strangers() async throws {
        try await withMove { move in
            try await QEMUFixture.withHost { stranger, _ in
                let certificate = try await stranger.moveCertificate()
                let departure = try await move.source.host.departure(of: move.machine)
                // The destination awaits another than the source.
                let arrival = try await move.destination.host.prepareArrival(
                    move.machine, of: QEMUFixture.image, from: departure, certificate: certificate)
                let refused = try await move.departWholly(to: arrival)
                guard case .failed = refused else { throw NeverTrue(what: "it is refused: \(refused)") }
                try await move.cancel()
                try await move.expectStayed()
                // The source expects another than the destination.
                let again = try await move.prepare()
                var status = MoveStatus.copying("")
                try await eventually("the departure ends") {
                    status = try await move.source.host.depart(
                        move.machine, to: again, certificate: certificate)
                    if case .copying = status { return false }
                    return true
                }
                guard case .failed = status else { throw NeverTrue(what: "it is refused: \(status)") }
                try await move.cancel()
                try await move.expectStayed()
            }
        }
    }

    @Test(
        "is refused for a disk of another size, another processor or board, and a disk that is there already")
    func misfits() async throws {
        try await withMove { move in
            var departure = try await move.source.host.departure(of: move.machine)
            let certificate = try await move.source.host.moveCertificate()
            func refusal(_ departure: Departure) async -> CloudError? {
                await #expect(throws: CloudError.self) {
                    _ = try await move.destination.host.prepareArrival(
                        move.machine, of: QEMUFixture.image, from: departure, certificate: certificate)
                }
            }
            departure.diskBytes += 1 << 30
            let size = await refusal(departure)
            #expect(size?.message.contains("its disk has 11811160064 bytes on its host") == true)
            #expect(size?.message.contains("storageGb 10 are 10737418240") == true)
            departure.diskBytes -= 1 << 30
            departure.processor = "kvm other"
            #expect(await refusal(departure)?.message.contains("kvm other") == true)
            departure = try await move.source.host.departure(of: move.machine)
            for board in [
                "", "q35", "none", "pc-i440fx-7.2", "pc-q35-7.2,dumpdtb=/tmp/x", "pc-q35-99.9",
                "pc-q35-7.2\n",
            ] {
                departure.board = board
                #expect(await refusal(departure)?.message.contains("its board '\(board)'") == true)
            }
            try await move.expectStayed()

            departure = try await move.source.host.departure(of: move.machine)
            try await move.destination.host.makeDisk(move.machine, from: QEMUFixture.image)
            let taken = await refusal(departure)
            #expect(taken?.code == .conflict)
            let kept = await #expect(throws: CloudError.self) {
                try await move.destination.host.cancelArrival(5)
            }
            #expect(kept?.code == .conflict)
            #expect(
                MachineFiles.exists(move.destination.directory(5).disk), "a disk that did not come is kept")
        }
    }

    @Test("a machine that has not departed is not removed by the end of a move")
    func notDeparted() async throws {
        try await withMove { move in
            await #expect(throws: CloudError.self) { try await move.source.host.finishDeparture(5) }
            try await move.source.host.halt(5)
            await #expect(throws: CloudError.self) { try await move.source.host.finishDeparture(5) }
            #expect(MachineFiles.exists(move.source.directory(5).disk))
            let error = await #expect(throws: CloudError.self) {
                _ = try await move.source.host.departure(of: move.machine)
            }
            #expect(error?.message.contains("Start it first") == true)
        }
    }
}
