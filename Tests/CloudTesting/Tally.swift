import Synchronization

/// Numbers that concurrent work writes down.
public final class Tally: Sendable {
    private let list = Mutex<[Int64]>([])

    public init() {}

    public func add(_ number: Int64) { list.withLock { $0.append(number) } }

    public var numbers: [Int64] { list.withLock(\.self) }
    public var count: Int { numbers.count }
}
