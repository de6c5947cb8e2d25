/// Whether something must be there at a step, must not, or may be either, since the step may have done its work or not.
public enum Presence: Sendable, Equatable, CaseIterable {
    case must, may, mustNot

    public func allows(_ isThere: Bool) -> Bool {
        switch self {
        case .must: isThere
        case .may: true
        case .mustNot: !isThere
        }
    }
}

extension ComputeStep {
    /// Whether a compute has its place in the host's network: tap, addresses, rules.
    public var network: Presence {
        switch self {
        case .image, .disk: .mustNot
        // A start comes by `seed` too, and a stop may take over there: that must not leave a compute without its place.
        case .seed, .network: .may
        case .boot, .confirm, .idle, .shutdown, .stopping, .unplug, .resize, .restore, .settle, .takeBack:
            .must
        // A create may be given up at any of its steps.
        case .halt, .detach: .may
        case .erase, .release, .done: .mustNot
        }
    }

    /// The steps at which a compute has its place already.
    public static var settled: [ComputeStep] { allCases.filter { $0.network == .must } }

    /// The steps in which the host's network is given a place for the compute.
    public static var attached: [ComputeStep] { allCases.filter { $0.network != .mustNot && $0 != .detach } }
}
