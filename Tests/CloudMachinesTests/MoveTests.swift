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
                // A look just before may have said that it waits for this still.
                try await move.source.host.monitor(machine.id).move { try await $0.switchOver() }
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

    @Test("keeps the board that it was started on by an earlier version of the program, there and back")
    func earlierBoard() async throws {
        try await MoveLab.with { lab in
            let machine = try QEMUFixture.machine()
            var earlier = lab
            earlier.a.host.settings.layout = .first
            try await earlier.boot(machine)
            #expect(try await lab.a.host.departure(of: machine).layout == 1)
            for back in [false, true] {
                try await lab.move(machine, back: back).run()
                let host = back ? lab.a.host : lab.b.host
                #expect(try await host.departure(of: machine).layout == 1)
            }
            var departure = try await lab.a.host.departure(of: machine)
            departure.layout = 99
            let error = await #expect(throws: CloudError.self) {
                try await lab.b.host.prepareArrival(
                    machine, of: QEMUFixture.image, from: departure, certificate: "")
            }
            #expect(error?.message.contains("Update the other host first") == true)
        }
    }

    @Test("takes all of its disk along to a host whose image is another")
    func otherImage() async throws {
        try await MoveLab.with(image: nil) { lab in
            var machine = try QEMUFixture.machine()
            machine.storageGb = 1
            for (side, byte) in [(lab.a, "0xaa"), (lab.b, "0xbb")] {
                let base = "\(side.folder)/base.qcow2"
                try await Command("qemu-io", ["-c", "write -P \(byte) 0 4M", base]).run()
            }
            try await lab.boot(machine)
            let move = lab.move(machine)
            let arrival = try await move.prepare()
            #expect(!arrival.sharesImage)
            let status = try await move.departWholly(to: arrival)
            #expect(status == .switched, "\(status)")
            let disks = [move.source, move.destination].map { $0.directory(5).disk }
            try await Command("qemu-img", ["compare", "-U"] + disks).run()
            try await move.finish()
            try await move.expectMoved()
        }
    }
}
