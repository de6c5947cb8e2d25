import NIOCore

/// Decides when a body that is handed on as it comes has taken too long. Only the time counts for which the client is waited
/// for: what our own side takes to work on the bytes is not its fault.
struct UploadClock {
    private let body: UploadBody
    private var bytes: Int64 = 0
    /// For how long the client was waited for, until its last byte.
    private var waited = TimeAmount.nanoseconds(0)
    /// Since when its next byte is waited for; `nil` while none is.
    private var since: NIODeadline?

    init(_ body: UploadBody) { self.body = body }

    /// More is read as soon as it comes.
    mutating func asked(_ now: NIODeadline) {
        if since == nil { since = now }
    }

    /// The client is told to begin, which it waited for.
    mutating func allowed(_ now: NIODeadline) { since = now }

    mutating func heard(_ count: Int, _ now: NIODeadline) {
        bytes += Int64(count)
        if let since { waited = waited + (now - since) }
        since = nil
    }

    /// When the client must have sent more; `nil` while it is not waited for.
    var deadline: NIODeadline? {
        guard let since else { return nil }
        let earned = TimeAmount.seconds(bytes / Int64(body.slowest))
        return since + min(body.stall, body.stall + earned - waited)
    }
}
