import ArgumentParser
import CloudClient
import CloudWire
import Testing

@testable import strettch

@Suite("strettch compute start, stop, reboot, upsize and update")
struct ComputePowerCommandTests {
    @Test(
        "each is found by its word, and takes one compute",
        arguments: ["start", "stop", "reboot", "upsize", "update"])
    func words(word: String) throws {
        let command = try #require(
            ComputeCommand.configuration.subcommands.first { $0.configuration.commandName == word })
        let more = ["upsize": ["--specification", "S"], "update": ["--no-tags"]][word] ?? []
        _ = try command.parse(["web-1", "--wait", "--timeout", "60", "--json"] + more)
        #expect(throws: (any Error).self) { try command.parse(more) }
        #expect(throws: (any Error).self) { try command.parse(["web-1", "web-2"] + more) }
        #expect(throws: (any Error).self) { try command.parse(["web-1", "--timeout", "0"] + more) }
        #expect(throws: (any Error).self) { try command.parse(["web-1", "--timeout", "86401"] + more) }
    }

    @Test("a dry run tells the price and how long the balance lasts, and there is nothing to wait for")
    func dryRun() throws {
        var quote = ComputeQuoteWire(
            hostName: "web-1", image: "UBUNTU-24.04", specification: "S-1C", region: "KGL-1", publicIp: true,
            currency: "RWF", pricePerHour: "5.479", pricePerMonth: "3999.000", publicIpPerMonth: "2000.000",
            daysLeft: 50)
        #expect(
            OutputCompute.quote(quote) == """
                web-1 can be made: S-1C with UBUNTU-24.04 in KGL-1.
                5.479 RWF an hour, 3999.000 a month.
                2000.000 a month for its public address.
                The balance lasts 50 days with it.
                """)
        (quote.publicIpPerMonth, quote.daysLeft) = (nil, nil)
        #expect(OutputCompute.quote(quote).hasSuffix("3999.000 a month."))
        let create = ["web-1", "--image", "I", "--region", "R", "--specification", "S", "--dry-run"]
        #expect(try ComputeCreateCommand.parse(create).dryRun)
        #expect(throws: (any Error).self) { try ComputeCreateCommand.parse(create + ["--wait"]) }
    }

    @Test("an upsize needs a specification")
    func upsize() throws {
        #expect(throws: (any Error).self) { try ComputeUpsizeCommand.parse(["web-1"]) }
        let command = try ComputeUpsizeCommand.parse(["web-1", "--specification", "S-2C-4G"])
        #expect(command.specification == "S-2C-4G")
        #expect(!command.change.wait)
    }

    @Test("an upsize of a running compute does not fit the state of things: 6, as for every other action")
    func upsizeRunning() {
        let error = ClientError(.refused, status: 400, code: "COMPUTE_RUNNING", message: "")
        #expect(ProgramExit(error) == .conflict)
    }

    @Test("an update changes what is named and leaves the rest")
    func update() throws {
        #expect(
            try ComputeUpdateCommand.parse(["web-1", "--name", "web-2"]).update
                == UpdateComputeWire(hostName: "web-2"))
        #expect(
            try ComputeUpdateCommand.parse(["web-1", "--tag", "a", "--tag", "b"]).update
                == UpdateComputeWire(tags: ["a", "b"]))
        #expect(
            try ComputeUpdateCommand.parse(["web-1", "--no-tags"]).update == UpdateComputeWire(tags: []))
        #expect(
            try ComputeUpdateCommand.parse(["web-1", "--protection"]).update
                == UpdateComputeWire(deletionProtection: true))
        #expect(
            try ComputeUpdateCommand.parse(["web-1", "--no-protection"]).update
                == UpdateComputeWire(deletionProtection: false))
    }

    @Test("an update of nothing, or of tags that are both given and taken off, is refused at once")
    func invalidUpdate() {
        #expect(throws: (any Error).self) { try ComputeUpdateCommand.parse(["web-1"]) }
        #expect(throws: (any Error).self) {
            try ComputeUpdateCommand.parse(["web-1", "--tag", "a", "--no-tags"])
        }
    }

    @Test("a create takes user data and protection")
    func create() throws {
        let plain = ["web-1", "--image", "I", "--region", "R", "--specification", "S"]
        let command = try ComputeCreateCommand.parse(plain + ["--user-data", "setup.sh", "--protection"])
        #expect(command.userData == "setup.sh")
        #expect(command.protection)
        #expect(try !ComputeCreateCommand.parse(plain).protection)
    }

    @Test("what is said of a change tells what goes on behind")
    func said() {
        let stopping = TaskWire(
            action: "stop", step: "stopping", since: "2024-01-15T10:04:00Z", attempts: 0, note: nil)
        #expect(
            OutputCompute.changed(compute(task: stopping))
                == "web-1 (325) is RUNNING, and 'stop' is under way.")
        #expect(OutputCompute.changed(compute(state: "STOPPED")) == "web-1 (325) is STOPPED.")
    }

    @Test("a change that came to nothing is an exit of 8 with the reason")
    func notReached() throws {
        let crashed = compute(
            state: "STOPPED", failure: FailureWire(code: "HOST_FAILED", message: "No disk left."))
        #expect(
            throws: CommandFailure(
                .notReached, code: "HOST_FAILED", "web-1 (325) is STOPPED: No disk left.")
        ) { try ComputeChangeOptions.ended(.reached(crashed), name: "web-1 (325)", timeoutSeconds: 60) }
        #expect(throws: CommandFailure(.notReached, "web-1 (325) was deleted in the meantime.")) {
            try ComputeChangeOptions.ended(.reached(nil), name: "web-1 (325)", timeoutSeconds: 60)
        }
        let stopped = compute(state: "STOPPED")
        #expect(
            try ComputeChangeOptions.ended(.reached(stopped), name: "web-1 (325)", timeoutSeconds: 60)
                == stopped)
    }
}
