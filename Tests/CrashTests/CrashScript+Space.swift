import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting
import CloudWorker

extension CrashScript {
    /// What the host does when its disk is full, with a real one.
    static let space: [CrashScript] = [
        CrashScript(
            "a guest that is held while the disk is full", prepare: { try await $0.makeRunning() },
            run: { world in
                world.real?.disk.isFull = true
                try await world.growUntilHeld()
                world.real?.disk.isFull = false
                try await world.goOn()
            })
    ]
}

extension CrashWorld {
    /// Times that the guest writes, or the host is looked at. A script has one fault.
    private static let maxLooks = 8

    /// Lets compute 1 write and the free space be looked at, until its guest is held and says so.
    func growUntilHeld() async throws {
        for _ in 0..<Self.maxLooks {
            try real?.growDisk(of: 1)
            try await insist("the look at the free space") { program in
                do {
                    try await program.spaceWatch.look()
                } catch let error as CloudError where error.code == .internalServerError {
                    return  // it took too long
                }
            }
            try await settle()
            if try await failure() == .diskFull { return }
        }
        throw NeverTrue(what: "the guest is held")
    }

    /// Lets the host be looked at until the guest of compute 1 goes on.
    func goOn() async throws {
        for _ in 0..<Self.maxLooks {
            try await settle()
            if try await failure() == nil { return }
        }
        throw NeverTrue(what: "the guest goes on")
    }

    private func failure() async throws -> FailureCode? {
        try await insist("the look at the compute") { program in
            try await program.cloud.database.read { sql in try sql.computes.get(1)?.failure?.code }
        }
    }
}
