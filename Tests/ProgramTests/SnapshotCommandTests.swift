import ArgumentParser
import CloudClient
import CloudWire
import Testing

@testable import strettch

/// As the server shows it.
private func snapshot(
    id: String = "412", name: String = "before-upgrade", computeId: String = "325", state: String = "READY",
    sizeBytes: Int? = 645_922_817, isProtected: Bool = false, task: TaskWire? = nil,
    failure: FailureWire? = nil, cost: String? = nil
) -> SnapshotWire {
    SnapshotWire(
        id: id, name: name, computeId: computeId, state: state, image: "UBUNTU-24.04", storageGb: 10,
        sizeBytes: sizeBytes, consistency: sizeBytes == nil ? nil : "CRASH", deletionProtection: isProtected,
        createdAt: "2024-01-15T10:00:00Z", updatedAt: "2024-01-15T10:05:00Z", task: task, failure: failure,
        cost: cost)
}

private let copying = TaskWire(
    action: "take", step: "copy", since: "2024-01-15T10:04:00Z", attempts: 0, note: "copying, 120 of 600 MB")

@Suite("What the program prints of snapshots")
struct OutputSnapshotTests {
    @Test("a list is a table")
    func list() {
        let snapshots = [
            snapshot(),
            snapshot(id: "7", name: "a", computeId: "9", state: "TAKING", sizeBytes: nil, task: copying),
        ]
        #expect(
            OutputSnapshot.list(snapshots) == """
                ID   NAME            STATE          COMPUTE  SIZE     IMAGE         CREATED
                412  before-upgrade  READY          325      617 MiB  UBUNTU-24.04  2024-01-15T10:00:00Z
                7    a               TAKING (copy)  9        -        UBUNTU-24.04  2024-01-15T10:00:00Z
                """)
    }

    @Test("an empty list says how to take the first snapshot, unless it is filtered")
    func emptyList() {
        #expect(
            OutputSnapshot.list([])
                == "There are no snapshots. Take one with: strettch snapshot create COMPUTE NAME")
        #expect(OutputSnapshot.list([], isFiltered: true) == "No snapshot passes the filter.")
    }

    @Test("one snapshot is shown whole, without what is absent")
    func detail() {
        #expect(
            OutputSnapshot.detail(snapshot(isProtected: true, cost: "0.120")) == """
                id           412
                name         before-upgrade
                computeId    325
                state        READY
                image        UBUNTU-24.04
                storageGb    10
                size         617 MiB
                consistency  CRASH
                protected    from deletion
                cost         0.120
                createdAt    2024-01-15T10:00:00Z
                updatedAt    2024-01-15T10:05:00Z
                """)
        let taking = OutputSnapshot.detail(snapshot(state: "TAKING", sizeBytes: nil, task: copying))
        #expect(taking.contains("action       take\n"))
        #expect(taking.contains("step         copy since 2024-01-15T10:04:00Z: copying, 120 of 600 MB\n"))
        #expect(!taking.contains("size") && !taking.contains("consistency"))
    }

    @Test("a snapshot that is there comes with the way to restore it")
    func ready() {
        #expect(
            OutputSnapshot.ready(snapshot()) == """
                before-upgrade (412) is READY, 617 MiB.
                Restore it with: strettch compute restore 325 --snapshot 412
                """)
        #expect(
            OutputSnapshot.accepted(snapshot(state: "TAKING", sizeBytes: nil)) == """
                before-upgrade (412) is TAKING.
                Look at it with: strettch snapshot get 412
                """)
    }

    @Test("a name can't move the cursor of a terminal")
    func clean() {
        #expect(OutputSnapshot.changed(snapshot(name: "a\u{1B}[2J")) == "a\u{FFFD}[2J (412) is READY.")
    }
}

@Suite("strettch snapshot")
struct SnapshotCommandTests {
    private func parse<Command: ParsableCommand>(_ type: Command.Type, _ arguments: String...) throws
        -> Command
    {
        try type.parse(arguments)
    }

    @Test("it has the commands of computes that make sense for it")
    func words() {
        let words = SnapshotCommand.configuration.subcommands.map { $0.configuration.commandName }
        #expect(words == ["create", "list", "get", "wait", "update", "delete"])
    }

    @Test("a create takes a compute and a name, and can protect it")
    func create() throws {
        let command = try parse(SnapshotCreateCommand.self, "web-1", "before-upgrade", "--wait")
        #expect((command.compute, command.name) == ("web-1", "before-upgrade"))
        #expect(command.wait && !command.protection)
        #expect(try parse(SnapshotCreateCommand.self, "web-1", "a", "--protect").protection)
        #expect(try parse(SnapshotCreateCommand.self, "web-1", "a", "--protection").protection)
        #expect(throws: (any Error).self) { try parse(SnapshotCreateCommand.self, "web-1") }
        #expect(throws: (any Error).self) { try parse(SnapshotCreateCommand.self, "web-1", "") }
        #expect(throws: (any Error).self) {
            try parse(SnapshotCreateCommand.self, "web-1", "a", "--timeout", "0")
        }
        #expect(throws: (any Error).self) {
            try parse(SnapshotCreateCommand.self, "web-1", "a", "--idempotency-key", "mine")
        }
    }

    @Test("an update needs something to change")
    func update() throws {
        #expect(throws: (any Error).self) { try parse(SnapshotUpdateCommand.self, "412") }
        #expect(try parse(SnapshotUpdateCommand.self, "412", "--no-protection").protection == false)
        #expect(try parse(SnapshotUpdateCommand.self, "412", "--name", "b").name == "b")
    }

    @Test("the question of a delete names all that would go")
    func question() {
        #expect(
            SnapshotDeleteCommand.question([snapshot(), snapshot(id: "7", name: "a")])
                == "Delete before-upgrade (412), a (7) for good?")
    }

    @Test("a name finds the only snapshot that has it")
    func find() throws {
        let snapshots = [
            snapshot(), snapshot(id: "7", name: "a"), snapshot(id: "8", name: "a", computeId: "9"),
        ]
        #expect(try SnapshotCommandFind.only("before-upgrade", in: snapshots).id == "412")
        let two = #expect(throws: CommandFailure.self) { try SnapshotCommandFind.only("a", in: snapshots) }
        #expect(two?.exit == .conflict)
        #expect(
            two?.message == #"2 snapshots are called "a": 7 (of compute 325), 8 (of compute 9). Give the id."#
        )
        let none = #expect(throws: CommandFailure.self) { try SnapshotCommandFind.only("b", in: snapshots) }
        #expect(none?.exit == .notFound)
    }

    @Test("a snapshot that failed or vanished is an exit of 8 with the reason, and the list of its kind")
    func notReached() throws {
        let failed = snapshot(
            state: "FAILED", sizeBytes: nil, failure: FailureWire(code: "DISK_FULL", message: "No room."))
        let outcomes: [(WaitOutcome<SnapshotWire>, CommandFailure)] = [
            (.reached(failed), CommandFailure(.notReached, code: "DISK_FULL", "s is FAILED: No room.")),
            (.reached(nil), CommandFailure(.notReached, "s was deleted in the meantime.")),
            (
                .timedOut(snapshot(state: "TAKING", sizeBytes: nil, task: copying)),
                CommandFailure(
                    .notReached,
                    "s is still TAKING (copy: copying, 120 of 600 MB) after 60 s. The work goes on; look again with "
                        + "`strettch snapshot list`.")
            ),
        ]
        for (outcome, expected) in outcomes {
            #expect(throws: expected) {
                try CommandWait.reached(outcome, ["READY"], name: "s", timeoutSeconds: 60)
            }
        }
        #expect(
            try CommandWait.reached(.reached(snapshot()), ["READY"], name: "s", timeoutSeconds: 60)
                == snapshot())
    }
}

@Suite("strettch compute restore, and create --snapshot")
struct ComputeRestoreCommandTests {
    @Test("a restore needs a compute and a snapshot, and asks by their names")
    func restore() throws {
        let command = try ComputeRestoreCommand.parse(["web-1", "--snapshot", "412", "--wait", "--yes"])
        #expect((command.change.compute, command.snapshot) == ("web-1", "412"))
        #expect(command.change.wait && command.yes)
        #expect(throws: (any Error).self) { try ComputeRestoreCommand.parse(["web-1"]) }
        #expect(throws: (any Error).self) { try ComputeRestoreCommand.parse(["--snapshot", "412"]) }
        #expect(
            ComputeRestoreCommand.question(compute(), snapshot())
                == "Replace the disk of web-1 (325) by snapshot before-upgrade (412) of 2024-01-15T10:00:00Z?"
        )
    }

    @Test("a create is made of an image or of a snapshot, not of both")
    func create() throws {
        let common = ["web-1", "--region", "R", "--specification", "S"]
        let command = try ComputeCreateCommand.parse(common + ["--snapshot", "412"])
        #expect(command.snapshot == "412" && command.image == nil)
        #expect(throws: (any Error).self) {
            try ComputeCreateCommand.parse(common + ["--image", "I", "--snapshot", "412"])
        }
    }
}
