import Synchronization

/// Random numbers that follow from a seed alone (splitmix64), the same in every process.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678_9ABC_DEF1 }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// 0 ..< bound; the bound is above 0.
    public mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    /// Milliseconds from 0 to `most`, short ones far more often than long ones.
    public mutating func milliseconds(upTo most: Int64) -> Int64 {
        let scale = most >> Int64(below(12))
        return Int64(below(Int(scale) + 1))
    }

    public mutating func chance(percent: Int) -> Bool { below(100) < percent }

    /// One of `items`, of which there is at least one.
    public mutating func one<T>(of items: [T]) -> T { items[below(items.count)] }
}

/// The same for several who draw from it.
final class Chance: Sendable {
    private let random: Mutex<SeededRandom>

    init(seed: UInt64) { random = Mutex(SeededRandom(seed: seed)) }

    func below(_ bound: Int) -> Int { random.withLock { $0.below(bound) } }

    func bytes(_ count: Int) -> [UInt8] {
        random.withLock { random in (0..<count).map { _ in UInt8(random.below(256)) } }
    }
}
