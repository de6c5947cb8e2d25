import CloudCore
import CloudMachines

/// What somebody did by hand to a machine that rests, or a fault of the host did.
enum MachineDrift: String, Sendable, CaseIterable {
    case diskLost = "disk_lost"
    /// Somebody has put it back.
    case diskFound = "disk_found"
    /// It is made again.
    case seedLost = "seed_lost"
    case networkLost = "network_lost"
    case networkFound = "network_found"
    /// Seen by the machine's status, and not by its parts.
    case diskFull = "disk_full"
    case diskFreed = "disk_freed"

    /// Whether it is worth telling of a compute with this failure that its guest stands still for want of space.
    static func isDiskFullNews(_ reported: FailureCode?) -> Bool {
        switch reported {
        case .diskFull, .diskLost: false
        case nil, .imageUnavailable, .hostFailed, .deadlineExceeded, .guestStopped, .guestCrashed,
            .sshUnreachable, .networkLost, .restoreFailed, .hostDown:
            true
        }
    }

    /// `nil`: all is as it should be, or as the compute's failure already says.
    ///
    /// - Parameter reported: the failure that the compute shows.
    init?(_ reported: FailureCode?, _ parts: MachineParts) {
        if !parts.hasDisk, reported != .diskLost {
            self = .diskLost
        } else if !parts.hasSeed {
            self = .seedLost
        } else if parts.isCutOff, ![.networkLost, .diskLost, .diskFull].contains(reported) {
            self = .networkLost
        } else if parts.hasDisk, !parts.hasProcess, reported == .diskLost {
            // A process would go on with the disk that it had opened, which this one is not.
            self = .diskFound
        } else if !parts.isCutOff, reported == .networkLost {
            self = .networkFound
        } else {
            return nil
        }
    }

    var eventKind: String {
        switch self {
        case .diskLost: "compute.disk.lost"
        case .diskFound: "compute.disk.found"
        case .seedLost: "compute.seed.repaired"
        case .networkLost: "compute.network.lost"
        case .networkFound: "compute.network.found"
        case .diskFull: "compute.disk.full"
        case .diskFreed: "compute.disk.freed"
        }
    }

    /// What the compute's failure becomes.
    enum Report: Sendable, Equatable {
        case unchanged
        case set(ComputeFailure)
        case cleared
    }

    var report: Report {
        switch self {
        case .seedLost: .unchanged
        case .diskFound, .networkFound, .diskFreed: .cleared
        case .diskFull:
            .set(
                ComputeFailure(
                    .diskFull,
                    "The guest stands still, since the host's disk has no space for what it writes. It goes on by itself "
                        + "once there is space. Ask the operator for it, or delete a compute."))
        case .diskLost:
            .set(
                ComputeFailure(
                    .diskLost,
                    "The compute's disk is gone from the host. A guest that runs goes on until it is stopped, and "
                        + "can't be started again: save what you need, and ask the operator to restore the disk."
                ))
        case .networkLost:
            .set(
                ComputeFailure(
                    .networkLost,
                    "The guest runs, but its machine was cut off from the network on the host. Reboot it to bring it "
                        + "back."))
        }
    }
}
