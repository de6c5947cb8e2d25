import CloudCore
import CloudTesting
import Testing

@testable import CloudMachines

/// With real QEMUs whose guests are their firmware.
@Suite("A machine that moves between two hosts", .timeLimit(.minutes(3)))
struct MoveTests {
    @Test("is on the other host alone afterwards, each call made twice, and moves back")
    func thereAndBack() async throws {
        try await MoveLab.with { lab in
            let machine = try QEMUFixture.machine()
            try await lab.boot(machine)
            for back in [false, true] {
                let move = lab.move(machine, back: back)
                let arrival = try await move.prepare()
                #expect(try await move.prepare() == arrival)
                #expect(try await move.destination.host.status(machine.id) == .arriving)
                let refused = await #expect(throws: CloudError.self) {
                    try await move.destination.host.boot(machine)
                }
                #expect(refused?.code == .conflict)
                for _ in 1...2 { #expect(try await move.departWholly(to: arrival) == .switched) }
                #expect(try await move.source.host.status(machine.id) == .departed)
                #expect(try await move.destination.host.status(machine.id) == .arriving)
                await #expect(throws: CloudError.self) { try await move.source.host.boot(machine) }
                for _ in 1...2 { try await move.destination.host.finishArrival(machine.id) }
                let late = await #expect(throws: CloudError.self) {
                    try await move.destination.host.cancelArrival(machine.id)
                }
                #expect(late?.code == .conflict)
                for _ in 1...2 { try await move.source.host.finishDeparture(machine.id) }
                try await move.expectMoved()
            }
        }
    }
}
