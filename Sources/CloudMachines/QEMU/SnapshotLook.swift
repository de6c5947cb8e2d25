/// What is seen of a snapshot that a guest's QEMU copies, and what is to be done next: a function of a value.
struct SnapshotLook: Sendable, Equatable {
    /// The copy (QEMU, `JobInfo`).
    typealias Job = DepartureLook.Job

    /// What comes next.
    enum Act: Sendable, Equatable {
        case begin, conclude, dismiss, close, publish
        /// Nothing but to wait.
        case await(String)
        /// It can't be had; the text says why.
        case fail(String)
    }

    /// `nil`: there is none, or this QEMU is not the one that copies.
    var job: Job?
    /// Whether QEMU has the snapshot's file open.
    var hasTarget: Bool
    /// Whether QEMU has said that all is copied.
    var isCopied: Bool

    var next: Act {
        guard let job else {
            if hasTarget { return .close }
            return isCopied ? .publish : .begin
        }
        guard job.status == "concluded" else {
            let (done, total) = (UInt64(clamping: job.done), UInt64(clamping: job.total))
            return .await(HostCopies.text(done: done, of: max(done, total)))
        }
        if isCopied { return .dismiss }
        return job.error.map { .fail("the copy failed: \(GuestWords.shown($0))") } ?? .conclude
    }
}
