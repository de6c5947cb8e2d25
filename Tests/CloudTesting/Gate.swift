/// Holds whoever comes until it is opened, whatever becomes of them meanwhile.
public actor Gate {
    private var isOpen = false
    private var held: [CheckedContinuation<Void, Never>] = []
    /// Who came, in order.
    public private(set) var arrivals: [Int64] = []

    public init() {}

    public func pass(_ id: Int64) async {
        arrivals.append(id)
        guard !isOpen else { return }
        await withCheckedContinuation { held.append($0) }
    }

    public func open() {
        isOpen = true
        for continuation in held { continuation.resume() }
        held = []
    }
}

/// What a condition that never came true is reported with.
public struct NeverTrue: Error {
    public var what: String

    public init(what: String) { self.what = what }
}

/// Asks `condition` again and again until it is true; throws when it is not within `limit`.
public func eventually(
    _ what: String, within limit: Duration = .seconds(30),
    isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw NeverTrue(what: what) }
        try await Task.sleep(for: .milliseconds(5))
    }
}
