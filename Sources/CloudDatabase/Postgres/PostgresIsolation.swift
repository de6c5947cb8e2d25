/// What a transaction sees of those that go on beside it (docs/decisions/0016 and 0022).
enum PostgresIsolation: Sendable {
    /// As if it ran alone: the rules were written for one writer. PostgreSQL undoes one of two that are in each other's
    /// way, and it is run again.
    case serializable
    /// The same, one after the other: for those that would always be in each other's way.
    case inTurns
    /// The same, while no create is under way: for those that decide by what creates make.
    case apartFromCreates
    /// Side by side. Each statement sees what was committed before it began; whatever the transaction decides by, it locks
    /// or changes first, or a constraint has the last word.
    case sideBySide

    var level: String {
        switch self {
        case .serializable, .inTurns, .apartFromCreates: "SERIALIZABLE"
        case .sideBySide: "READ COMMITTED"
        }
    }

    /// The mode in which the cell is locked, if it is. The modes of creates, and of turns and creates, go together; all
    /// others exclude each other (https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES).
    var lock: String? {
        switch self {
        case .serializable: nil
        case .inTurns: "SHARE UPDATE EXCLUSIVE"
        case .apartFromCreates: "EXCLUSIVE"
        case .sideBySide: "ROW SHARE"
        }
    }
}

extension DurableWrite {
    var isolation: PostgresIsolation {
        switch self {
        case .createCompute, .quoteCompute: .sideBySide
        case .deleteTeam, .transferDatabase, .fenceHost, .evacuateComputes, .beginMove: .apartFromCreates
        case .createTeam, .createFirstTeam, .createCell: .inTurns
        case .createKey, .revokeKey, .noteKeyUse, .issueGuestToken, .changeCompute, .createSnapshot,
            .changeSnapshot, .saveRestore, .saveSettle, .saveTakeBack, .saveSnapshotCopy, .saveSnapshotKept,
            .saveSnapshotErase, .createImage, .changeImage, .receiveImage, .saveImageContent,
            .saveImageMake, .saveImageKept, .saveImageErase,
            .changeWallet, .changeHost, .suspendTeam, .resumeTeam, .registerHost, .registerLink, .heartbeat,
            .takeDuty, .reserveIds, .adoptHost, .noteOrphans,
            .lease, .giveBack, .supervise, .setPrices, .debit, .moveStanding, .enforceStanding, .saveImage,
            .saveDisk, .saveSeed, .saveNetwork, .saveBoot, .saveConfirm, .saveIdle, .saveShutdown,
            .saveStopping, .saveUnplug, .saveResize, .saveHalt, .saveDetach, .saveErase, .saveRelease,
            .saveDone, .saveDeparture, .saveArrival, .saveCopy, .saveSwitched, .saveRefused,
            .saveLeaving, .saveCancelled, .saveAbandoned, .saveReturned, .saveWithdrawn:
            .serializable
        }
    }
}
