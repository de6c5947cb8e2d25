import CloudCore
import CloudDatabase

extension AuditSnapshot {
    /// Images of teams' own by their rows: that the work on each fits what it shows, and goes on, that each is told of, and that
    /// it is there for whatever lies over it.
    var imageFindings: [AuditFinding] {
        imagesWithoutJob.map {
            AuditFinding(
                .oneJob,
                "image \($0) has no job: nothing will ever be done to it. Restore the row from a backup.")
        }
            + images.compactMap(\.shapeFinding)
            + images.compactMap { $0.stuckFinding(down, nowMs: nowMs) }
            + imageEventsAmiss.map {
                AuditFinding(
                    .stateHasItsEvent,
                    "the events of image \($0) don't say once who asked for it, or once that it is gone. Restore the "
                        + "events from a backup.")
            }
            + imagesAmiss.map {
                AuditFinding(
                    .image,
                    "the disk of \($0.userId) lies over image \($0.imageId), which is not READY. Restore the image's row "
                        + "and files from a backup, or delete what lies over it.")
            }
    }

    /// What is there of images and should not be, and the other way round.
    /// - Parameters:
    ///   - onHost: those of which the host has anything.
    ///   - hostId: the host's, and of those that keep their images at the same place.
    func imageFindings(onHost: Set<Int64>, of hostIds: Set<Int64>) -> [AuditFinding] {
        let all = images.map(\.image)
        let own = all.filter { hostIds.contains($0.hostId) }
        let known = Set(own.filter { $0.job.step != .done }.map(\.id))
            // Any host may have fetched these.
            .union(all.filter { $0.state == .ready || $0.state == .deleting }.map(\.id))
            .union(imagesJustDeleted)
        return own.filter { $0.state == .ready && !onHost.contains($0.id) }.map {
            AuditFinding(
                .image,
                "image \($0.id) is READY, and its host has nothing of it. Restore its folder from a backup, or delete it."
            )
        }
            + onHost.subtracting(known).sorted().map {
                AuditFinding(
                    .noOrphans,
                    "image \($0) lies on this host, and no row stands for it. A running server removes it after its "
                        + "grace period (orphanGrace).")
            }
    }

    /// A running server removes copies of an image that was deleted within seconds, but for those over which a disk lies that
    /// is being removed.
    static let copyLeftMs: Int64 = 120_000
}

extension AuditedImage {
    fileprivate var shapeFinding: AuditFinding? {
        let job = image.job
        guard !image.state.allows(job.action, job.step) || jobHostId != image.hostId else { return nil }
        return AuditFinding(
            .stateFitsStep,
            "image \(image.id) is \(image.state.rawValue) on host \(image.hostId), and its job does "
                + "'\(job.action.rawValue)' at the step '\(job.step.rawValue)' on host \(jobHostId.map(String.init) ?? "none"): "
                + "these don't fit. Delete it, or restore its rows from a backup.")
    }

    fileprivate func stuckFinding(_ down: Set<Int64>, nowMs: Int64) -> AuditFinding? {
        let rests = image.job.action == .keep || image.job.action == .gone
        guard !down.contains(image.hostId),
            let why = image.job.stuck(
                dueAtMs: dueAtMs, leaseUntilMs: leaseUntilMs, rests: rests, nowMs: nowMs)
        else { return nil }
        return AuditFinding(
            .nothingIsStuck,
            "image \(image.id) (\(image.state.rawValue)): its job, '\(image.job.action.rawValue)' at "
                + "'\(image.job.step.rawValue)', \(why). Look for it in the log, and restart the server if it stays so."
        )
    }
}

extension Job {
    /// How long a step may last that has no other end, in milliseconds.
    private static var undatedMs: Int64 { 120_000 }

    /// Why nothing comes of the job of a snapshot or an image; `nil`: it goes on, or rests.
    func stuck(dueAtMs: Int64?, leaseUntilMs: Int64?, rests: Bool, nowMs: Int64) -> String? {
        let isLeased = leaseUntilMs.map { $0 > nowMs } ?? false
        if !isLeased, let dueAtMs, nowMs - dueAtMs > AuditedCompute.leaseWaitMs {
            return "is due, and nobody works on it"
        }
        guard !rests else { return nil }
        if !isLeased, dueAtMs == nil { return "is not done, and is never due" }
        let limitMs = (action.deadlineMs(of: step) ?? Self.undatedMs) + AuditedCompute.lateByMs
        return nowMs - sinceMs > limitMs ? "takes longer than the \(limitMs / 1000) s that it may take" : nil
    }
}

extension TeamImageState {
    /// Whether an image in this state may have that done at that step.
    func allows(_ action: ImageAction, _ step: ImageStep) -> Bool {
        switch self {
        case .uploading: action == .receive && step == .content
        case .preparing: (action == .receive || action == .make) && step == .make
        case .ready: action == .keep && step == .kept
        case .failed: (action == .cleanUp && step == .erase) || (action == .gone && step == .done)
        // It finds the job where the action before it stood, until the worker takes it up.
        case .deleting: action == .delete
        case .deleted: action == .gone && step == .done
        }
    }
}
