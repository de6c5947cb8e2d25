/// What is seen of a machine that departs, and what is to be done next: a function of a value.
struct DepartureLook: Sendable, Equatable {
    /// The copy of the disk (QEMU, `JobInfo`).
    struct Job: Sendable, Equatable {
        var status: String
        var done: Int64 = 0
        var total: Int64 = 0
        var error: String?
    }

    /// The copy of the memory (QEMU, `MigrationInfo`).
    struct Memory: Sendable, Equatable {
        var status: String
        var left: Int64 = 0
        var total: Int64 = 0
        var error: String?
    }

    /// What comes next.
    enum Act: Sendable, Equatable {
        case identify, connectDisk, copyDisk, copyMemory, endDiskCopy, dismissDiskCopy, disconnectDisk,
            switchOver
        /// Nothing but to wait: for the disk for long; for the memory with attention, since its end must not be missed.
        case awaitDisk(String), awaitMemory(String)
        case stop(MoveStatus)
    }

    /// QEMU's `RunState`.
    var runState: String
    /// Whether this move has begun.
    var hasCredentials: Bool
    /// Whether the other side's disk is connected.
    var isConnected: Bool
    var job: Job?
    /// `nil` before this move's memory is copied, whatever is known of an earlier move.
    var memory: Memory?

    /// The guest stands still, and waits for us to end the copy of the disk.
    var waitsForUs: Bool { memory?.status == "pre-switchover" }

    var next: Act {
        if runState == "postmigrate" { return .stop(.switched) }
        if !hasCredentials { return .identify }
        guard let memory else { return nextOfDisk }
        switch memory.status {
        case "pre-switchover": return nextOfSwitch
        case "failed", "cancelled":
            return Self.failed("the copy of the memory", memory.error ?? memory.status)
        case "device", "completed", "cancelling": return .awaitMemory(memory.text)
        default:
            guard let job, ["ready", "running", "standby"].contains(job.status) else {
                return Self.failed("the copy of the disk", job?.error ?? "it ended")
            }
            return .awaitMemory(memory.text)
        }
    }

    private var nextOfDisk: Act {
        guard isConnected else { return .connectDisk }
        guard let job else { return .copyDisk }
        switch job.status {
        case "created", "running", "paused": return .awaitDisk(job.text)
        case "ready", "standby": return .copyMemory
        default: return Self.failed("the copy of the disk", job.error ?? "it ended")
        }
    }

    private var nextOfSwitch: Act {
        switch job?.status {
        case "ready", "running", "standby": return .endDiskCopy
        case "concluded":
            return job?.error.map { Self.failed("the end of the disk's copy", $0) } ?? .dismissDiskCopy
        case nil: return isConnected ? .disconnectDisk : .switchOver
        default: return .awaitMemory(memory?.text ?? "")
        }
    }

    private static func failed(_ what: String, _ why: String) -> Act {
        .stop(.failed("\(what) failed: \(why)"))
    }
}

extension DepartureLook.Job {
    /// For the owner.
    var text: String { "copying the disk, \(done >> 20) of \(max(done, total) >> 20) MB" }
}

extension DepartureLook.Memory {
    /// For the owner.
    var text: String { "copying memory, \(max(0, total - left) >> 20) of \(total >> 20) MB" }
}
