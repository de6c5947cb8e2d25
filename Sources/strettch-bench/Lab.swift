import CloudCore
import Foundation

/// Where a run happens: one folder, on one file system, with the program that is measured.
struct Lab: Sendable {
    var folder: String
    var program: String

    /// Between two polls, through the API and by hand alike: the resolution of the boots' times. Shorter ones would take
    /// so much of two cores that they slow down the guest which they wait for.
    static let pollInterval = Duration.milliseconds(25)

    /// Whether guests get bridges and addresses, in the network namespace that `scripts/bench` made.
    static var isBridged: Bool { geteuid() == 0 }

    /// Tells the developer what is being done.
    static func say(_ text: String) { FileHandle.standardError.write(Data("bench: \(text)\n".utf8)) }

    /// Asks at each `interval` until `body` gives a value, and returns it. Throws when `limit` is over.
    static func poll<Value>(
        _ what: String, limit: Duration, every interval: Duration = pollInterval,
        _ body: () async throws -> Value?
    ) async throws -> Value {
        let clock = ContinuousClock()
        let end = clock.now + limit
        var next = clock.now
        while clock.now < end {
            if let value = try await body() { return value }
            next = max(next + interval, clock.now)
            try await clock.sleep(until: next, tolerance: .zero)
        }
        throw failure("Not within \(limit): \(what). Look whether other programs keep the machine busy.")
    }

    static func failure(_ message: String) -> CloudError { CloudError(.internalServerError, message) }
}

extension Duration {
    var milliseconds: Double { self / .milliseconds(1) }
}
