/// Every change that is made to the host for a machine, by name: what makes one takes its name, so that none can be made
/// that the tests of crashes don't know. Each is a point where a crash parts what is done from what is known to be done.
public enum HostEffect: String, Sendable, CaseIterable {
    case makeFolder, claimFolder, eraseFolder
    case dropHalfDisk, recordDisk, createDisk, publishDisk, growDisk
    case makeSeedFolder, writeSeedFile, dropHalfSeed, createSeed, publishSeed, dropSeedFile, dropSeedFolder
    case loadRules, announceAddresses, changeLinks, changeForwarding, forwardPackets
    case startProcess, pressPowerButton, quitProcess, killProcess, dropRemains
    case makeTrust, publishTrust
    case makeCredentials, shareCredentials, useCredentials, dropCredentials, forgetCredentials
    case expectArrival, dropHalfArrival, exportDisk, awaitMemory, announceArrival
    case connectDisk, copyDisk, copyMemory, endDiskCopy, disconnectDisk, expectSwitch, switchOver
    case withdrawDisk, settleArrival, resumeGuest
    case cancelMemory, cancelDisk, settleDeparture
    case markHold, holdGuest, continueGuest, dropHold
    case markWarm, addTap, takeGuest, fillSeed, plugNetwork, openSeed, wakeGuest, removeTap
    case markShutDown, markSnapshot, dropHalfSnapshot, createSnapshot, openSnapshot, markFrozen, freezeGuest,
        startSnapshot, thawGuest, dropFrozen
    case settleSnapshot, concludeSnapshot
    case dismissSnapshot, closeSnapshot, publishSnapshot, cancelSnapshot, eraseSnapshot
    case dropHalfCopy, startCopy, markRestore, keepFormerDisk, takeBackFormerDisk, dropFormerDisk
    case forgetRestore
    case markImage, keepUpload, dropHalfImage, createImage, publishImage, eraseImage

    /// Those of a machine's move from host to host.
    public static let moves: [HostEffect] = [
        .makeTrust, .publishTrust, .makeCredentials, .shareCredentials, .useCredentials, .dropCredentials,
        .forgetCredentials, .expectArrival, .dropHalfArrival, .exportDisk, .awaitMemory, .announceArrival,
        .connectDisk, .copyDisk, .copyMemory, .endDiskCopy, .disconnectDisk, .expectSwitch, .switchOver,
        .withdrawDisk, .settleArrival, .resumeGuest, .cancelMemory, .cancelDisk, .settleDeparture,
    ]

    /// Those of guests that are booted ahead, besides what a machine's own start does.
    public static let warm: [HostEffect] = [
        .markWarm, .addTap, .takeGuest, .fillSeed, .plugNetwork, .openSeed, .wakeGuest, .removeTap,
    ]

    /// Those of snapshots, and of disks that are made of them, besides what other disks have too.
    public static let snapshots: [HostEffect] = [
        .markShutDown, .markSnapshot, .dropHalfSnapshot, .createSnapshot, .openSnapshot, .markFrozen,
        .freezeGuest, .startSnapshot, .thawGuest, .dropFrozen, .settleSnapshot, .concludeSnapshot,
        .dismissSnapshot, .closeSnapshot, .publishSnapshot, .cancelSnapshot, .eraseSnapshot, .dropHalfCopy,
        .startCopy, .markRestore, .keepFormerDisk, .takeBackFormerDisk, .dropFormerDisk,
        .forgetRestore,
    ]

    /// Those of images of teams' own.
    public static let images: [HostEffect] = [
        .markImage, .keepUpload, .dropHalfImage, .createImage, .publishImage, .eraseImage,
    ]

    /// Before or after the change itself.
    public enum Moment: Sendable, CaseIterable { case before, after }

    /// Asked around every change, and what it throws is thrown to whoever makes the change. Set by tests alone: to fail,
    /// to hang, or to end there as a crash does.
    @TaskLocal public static var interruption: (@Sendable (HostEffect, Moment) async throws -> Void)?

    /// Makes the change.
    func make<T>(isolation: isolated (any Actor)? = #isolation, _ change: () async throws -> T) async throws
        -> T
    {
        try await Self.interruption?(self, .before)
        let result = try await change()
        try await Self.interruption?(self, .after)
        return result
    }
}

extension HostEffect? {
    /// Makes the change; what has no name is done for no machine: a look, or our own housekeeping.
    func make<T>(isolation: isolated (any Actor)? = #isolation, _ change: () async throws -> T) async throws
        -> T
    {
        guard let self else { return try await change() }
        return try await self.make(change)
    }
}
