/// The states of a kind of resource, as clients name them and wait for them.
public protocol ResourceState: RawRepresentable<String>, CaseIterable, Hashable, Sendable {
    /// The states that a resource in this one can come to, by the cell's work or its owner's wish.
    var reachable: Set<Self> { get }
}

extension ResourceState {
    /// What to say of a text that names no state.
    public static func unknown(_ text: String) -> String {
        "'\(text.shown)' is no state. Send one of \(allCases.map(\.rawValue).joined(separator: ", "))."
    }
}

public typealias ComputeWait = StateWait<ComputeState>
public typealias SnapshotWait = StateWait<SnapshotState>
public typealias ImageWait = StateWait<TeamImageState>

/// What a client waits for: any of some states, for a bounded time.
public struct StateWait<State: ResourceState>: Sendable, Equatable {
    public static var defaultSeconds: Int { 30 }
    public static var maxSeconds: Int { 60 }

    public var states: Set<State>
    public var timeout: Duration

    public init(states: Set<State>, timeout: Duration) {
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
        let unknown = names.filter { State(rawValue: $0) == nil }
        if let first = unknown.first {
            problems.append(Problem("wait", State.unknown(first)))
        } else if names.count > State.allCases.count {
            let states = State.allCases.map(\.rawValue).joined(separator: ", ")
            problems.append(
                Problem("wait", "names \(names.count) states, and these are all: \(states). Name each once."))
        }
        self.init(
            states: Set(names.compactMap(State.init(rawValue:))),
            timeout: .seconds(seconds ?? Self.defaultSeconds))
    }

    /// Whether waiting on can't change the answer: the state is one that is waited for, or leads to none of those.
    public func isOver(in state: State) -> Bool {
        states.contains(state) || states.isDisjoint(with: state.reachable)
    }

    private static func seconds(_ text: String) -> Int? {
        guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }),
            let seconds = Int(text), (1...maxSeconds).contains(seconds)
        else { return nil }
        return seconds
    }
}

extension ComputeState: ResourceState {
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
