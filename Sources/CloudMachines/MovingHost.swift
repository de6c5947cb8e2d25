import CloudCore

/// A host that machines can be moved to and from while their guests run. `QEMUHost`, `SimulatedHost` and
/// `SimulatedFolderHost` conform.
///
/// A move, as whoever drives it calls the two hosts; each value that is returned is kept before the next call:
///
///     source.departure(of:)          what the destination must know
///     destination.prepareArrival     makes disk and seed, and a machine without a guest, which listens
///     source.depart                  again and again, until it says `switched` or `failed`
///     destination.finishArrival      the guest goes on there
///     source.finishDeparture         nothing is left here
///
/// or, at any moment before `finishArrival` is called for the first time, and after `failed`:
///
///     destination.cancelArrival      nothing is left there; only when that has succeeded:
///     source.cancelDeparture         the guest goes on here, wherever the move was
///
/// Where it is written down that `finishArrival` will never be called, the two may come in any order (`MoveStep`).
///
/// Each call looks first and acts second, and can be repeated after a crash of either program at any point. The guest
/// never runs twice: the destination starts it by `finishArrival` alone, and the source sets it going again only when a
/// move fails by itself, in which case `depart` never says `switched`, or by `cancelDeparture`. Neither host boots it while it may
/// run on the other, and `cancelArrival` refuses once it may run there.
public protocol MovingHost: MachineHost {
    /// The certificate, in PEM, of the authority that signs what this host identifies itself with in a move; made by the
    /// first call, and the same ever after. Public.
    func moveCertificate() async throws -> String

    /// What a destination must know of the machine, which runs. Changes nothing. Throws `CONFLICT` when it does not run,
    /// or can't be moved before its next start.
    func departure(of machine: Machine) async throws -> Departure

    /// Makes ready for the machine to come, whose image is ready here and whose network is applied. Returns what the source
    /// must know. Throws `CONFLICT` when the hosts don't fit each other, or when there is a disk of the compute here
    /// which is not of a move. Repeated with the same departure it returns the same for as long as what listens lives.
    /// - Parameter certificate: the source's `moveCertificate`; nobody else is let in.
    func prepareArrival(
        _ machine: Machine, of image: Image, from departure: Departure, certificate: String
    ) async throws -> Arrival

    /// Goes on with the move, and says where it is. Asked again and again, without a pause while it copies memory, since
    /// the guest stands still between the end of that and the next call. Takes at most 30 s.
    /// - Parameter certificate: the destination's `moveCertificate`; nobody else is talked to.
    func depart(_ machine: Machine, to arrival: Arrival, certificate: String) async throws -> MoveStatus

    /// Lets the guest go on here. Call it only after `depart` has said `switched`, and never after a cancel. Throws
    /// `CONFLICT` when not all of the machine has come, which is the case when the source ended in the midst: then cancel.
    func finishArrival(_ id: Int64) async throws

    /// Ends and erases what is left of a machine that has departed. Call it only once `finishArrival` has succeeded:
    /// this copy is the last way back. Throws `CONFLICT` when the guest runs here. Nothing left is success.
    func finishDeparture(_ id: Int64) async throws

    /// Ends and erases a machine that was to come. Nothing to cancel is success. Throws `CONFLICT` when it has come: its
    /// guest may have run here.
    func cancelArrival(_ id: Int64) async throws

    /// Lets the guest go on here, wherever the move was, and ends all of the move. Call it only once `cancelArrival` has
    /// succeeded, when there is no destination yet, or when `finishArrival` was not called and never will be. Nothing to cancel is success.
    func cancelDeparture(_ id: Int64) async throws
}

/// What a machine's destination must know of its source. Holds no secret.
public struct Departure: Sendable, Equatable, Codable {
    /// What QEMU calls the board, with its version: `pc-q35-7.2`. Another version of QEMU must make the same.
    public var board: String
    /// What the guest's code runs on; the same on both hosts, since a guest does not expect its processor to change.
    public var processor: String
    /// The disk's size as the guest sees it.
    public var diskBytes: Int64
    /// SHA-256 of the image that the disk lies over; `nil`: unknown. Where it is the same on the other host, only the disk's
    /// own content is copied, else all of it.
    public var imageSha256: String?
    /// The largest IP packet that the guest may send, as it was told at its start; `nil`: what is usual.
    public var guestMtu: Int?
    /// Whether the guest's network card is behind a port of its own, since it was plugged in after the start (`WarmingHost`);
    /// `nil`: it is not.
    public var hasNetworkPort: Bool?
    /// Which of our boards the guest was started on (`BoardLayout`); `nil`: the first.
    public var layout: Int?

    public init(
        board: String, processor: String, diskBytes: Int64, imageSha256: String?, guestMtu: Int? = nil,
        hasNetworkPort: Bool? = nil, layout: Int? = nil
    ) {
        self.board = board
        self.processor = processor
        self.diskBytes = diskBytes
        self.imageSha256 = imageSha256
        self.guestMtu = guestMtu
        self.hasNetworkPort = hasNetworkPort
        self.layout = layout
    }
}

/// Where a machine's destination listens for it. Holds no secret.
public struct Arrival: Sendable, Equatable, Codable {
    /// Dotted decimal.
    public var address: String
    public var diskPort: Int
    public var memoryPort: Int
    /// Whether the disk there lies over the same image, byte by byte.
    public var sharesImage: Bool

    public init(address: String, diskPort: Int, memoryPort: Int, sharesImage: Bool) {
        self.address = address
        self.diskPort = diskPort
        self.memoryPort = memoryPort
        self.sharesImage = sharesImage
    }
}

/// How far a departure is.
public enum MoveStatus: Sendable, Equatable {
    /// On its way, and the guest runs here; the text says how far, for the owner: `copying the disk, 120 of 600 MB`.
    case copying(String)
    /// The guest stands still for good: it goes on by `finishArrival`, or here by a cancel.
    case switched
    /// It can't go on; the text says why. The guest goes on here; cancel what is left.
    case failed(String)
}
