/// What a client waits for: any of some states, for a bounded time.
public struct ComputeWait: Sendable, Equatable {
    public static let defaultSeconds = 30
    public static let maxSeconds = 60

    public var states: Set<ComputeState>
    public var timeout: Duration

    public init(states: Set<ComputeState>, timeout: Duration) {
        self.states = states
        self.timeout = timeout
    }

    /// `nil` when nothing is waited for. Adds to `problems` each name that is no state, and a time out of its range.
    /// - Parameters:
    ///   - wait: names of states, with commas, no more than there are.
    ///   - timeout: whole seconds.
    public init?(wait: String?, timeout: String?, _ problems: inout [Problem]) {
        let seconds = timeout.map { Self.seconds($0) } ?? Self.defaultSeconds
        if seconds == nil {
            let text = timeout?.shown ?? ""
            problems.append(
                Problem("timeout", "'\(text)' is no whole number of 1 to \(Self.maxSeconds) seconds."))
        }
        guard let wait else { return nil }
        let names = wait.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let unknown = names.filter { ComputeState(rawValue: $0) == nil }
        if let first = unknown.first {
            problems.append(Problem("wait", ComputeState.unknown(first)))
        } else if names.count > ComputeState.allCases.count {
            let states = ComputeState.allCases.map(\.rawValue).joined(separator: ", ")
            problems.append(
                Problem("wait", "names \(names.count) states, and these are all: \(states). Name each once."))
        }
        self.init(
            states: Set(names.compactMap(ComputeState.init(rawValue:))),
            timeout: .seconds(seconds ?? Self.defaultSeconds))
    }

    /// Whether waiting on can't change the answer: the state is one that is waited for, or leads to none of those.
    public func isOver(in state: ComputeState) -> Bool {
        states.contains(state) || states.isDisjoint(with: state.reachable)
    }

    private static func seconds(_ text: String) -> Int? {
        guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }),
            let seconds = Int(text), (1...maxSeconds).contains(seconds)
        else { return nil }
        return seconds
    }
}

extension ComputeState {
    /// The states that a compute in this one can come to, by the cell's work or its owner's wish.
    public var reachable: Set<ComputeState> {
        switch self {
        case .creating, .running, .stopped, .starting, .rebooting:
            Set(Self.allCases).subtracting([.creating])
        case .failed: [.destroying, .destroyed]
        case .destroying: [.destroyed]
        case .destroyed: []
        }
    }
}
