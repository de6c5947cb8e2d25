import CloudCore

/// Every transaction that changes the database, by name: `Database.write` takes one, so that none can be made that the
/// tests of crashes don't know. Each is a point where a crash parts what is done from what is known to be done.
public enum DurableWrite: String, Sendable, CaseIterable {
    // The verbs of the API and of the operator.
    case transferDatabase, createCell, createFirstTeam, createTeam, deleteTeam, createKey, revokeKey,
        noteKeyUse,
        issueGuestToken
    case createCompute, changeCompute, createSnapshot, changeSnapshot, changeWallet, suspendTeam, resumeTeam,
        createImage, changeImage, receiveImage, changeHost, fenceHost,
        evacuateComputes
    /// Always undone: it changes nothing.
    case quoteCompute

    // The worker, and the accountant's and the supervisor's looks.
    case registerHost, registerLink, heartbeat, takeDuty, reserveIds, adoptHost, noteOrphans, lease, giveBack,
        supervise,
        setPrices, debit, moveStanding,
        enforceStanding

    // A step's outcome with the rows that it changes.
    case saveImage, saveDisk, saveSeed, saveNetwork, saveBoot, saveConfirm, saveIdle
    case saveShutdown, saveStopping, saveUnplug, saveResize, saveRestore, saveSettle, saveTakeBack
    case saveHalt, saveDetach, saveErase, saveRelease, saveDone

    // A move's begin, and what came of each of its steps.
    case beginMove
    case saveDeparture, saveArrival, saveCopy, saveSwitched, saveRefused, saveLeaving
    case saveCancelled, saveAbandoned, saveReturned, saveWithdrawn

    // What came of each step of a snapshot.
    case saveSnapshotCopy, saveSnapshotKept, saveSnapshotErase

    // What came of each step of a team's own image.
    case saveImageContent, saveImageMake, saveImageKept, saveImageErase

    /// The write that saves what this step decided.
    public static func outcome(of step: ComputeStep) -> DurableWrite {
        switch step {
        case .image: .saveImage
        case .disk: .saveDisk
        case .seed: .saveSeed
        case .network: .saveNetwork
        case .boot: .saveBoot
        case .confirm: .saveConfirm
        case .idle: .saveIdle
        case .shutdown: .saveShutdown
        case .stopping: .saveStopping
        case .unplug: .saveUnplug
        case .resize: .saveResize
        case .restore: .saveRestore
        case .settle: .saveSettle
        case .takeBack: .saveTakeBack
        case .halt: .saveHalt
        case .detach: .saveDetach
        case .erase: .saveErase
        case .release: .saveRelease
        case .done: .saveDone
        }
    }

    /// The write that saves what this step of a move came to.
    public static func outcome(of step: MoveStep) -> DurableWrite {
        switch step {
        case .departure: .saveDeparture
        case .arrival: .saveArrival
        case .copy: .saveCopy
        case .switched: .saveSwitched
        case .refused: .saveRefused
        case .leaving: .saveLeaving
        case .cancelled: .saveCancelled
        case .abandoned: .saveAbandoned
        case .returned: .saveReturned
        case .withdrawn: .saveWithdrawn
        }
    }

    /// The write that saves what this step of a snapshot came to.
    public static func outcome(of step: SnapshotStep) -> DurableWrite {
        switch step {
        case .copy: .saveSnapshotCopy
        case .kept: .saveSnapshotKept
        // What is done is never due.
        case .erase, .done: .saveSnapshotErase
        }
    }

    /// The write that saves what this step of a team's own image came to.
    public static func outcome(of step: ImageStep) -> DurableWrite {
        switch step {
        case .content: .saveImageContent
        case .make: .saveImageMake
        case .kept: .saveImageKept
        // What is done is never due.
        case .erase, .done: .saveImageErase
        }
    }
}
