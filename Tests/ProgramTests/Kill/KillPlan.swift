import CloudTesting
import CloudWire
import Foundation

/// How a run of kills goes.
struct KillPlan: Sendable {
    /// Decides what clients ask for, and whom is killed when.
    var seed: UInt64
    var rounds: Int
    var isSimulated: Bool
    var clients: Int
    /// Computes that there may be at once.
    var mostAlive: Int
    /// Milliseconds of a round until the kill.
    var killAfterMs: ClosedRange<Int>
    /// Milliseconds between two calls of a client.
    var pauseMs: Int
    /// The longest until all that was begun is done after a restart.
    var quietLimit: Duration

    static func simulated(rounds: Int, seed: UInt64) -> KillPlan {
        KillPlan(
            seed: seed, rounds: rounds, isSimulated: true, clients: 4, mostAlive: 60,
            killAfterMs: 50...1200, pauseMs: 0, quietLimit: .seconds(20))
    }

    /// Guests need the CPUs, so there are few.
    static func real(rounds: Int, seed: UInt64) -> KillPlan {
        KillPlan(
            seed: seed, rounds: rounds, isSimulated: false, clients: 3, mostAlive: 3,
            killAfterMs: 300...6000, pauseMs: 150, quietLimit: .seconds(120))
    }

    /// The create of the documentation's page.
    static func request(_ hostName: String, withPublicIp: Bool) -> CreateComputeWire {
        CreateComputeWire(
            hostName: hostName, image: "TINY-1", region: "KGL-1", specification: "S-1C",
            publicKeys: [TestCloud.publicKey], tags: ["production", "web"], withPublicIp: withPublicIp)
    }

    /// `STRETTCH_KILL_ROUNDS` and the like; `fallback` when it is not set.
    static func environment(_ name: String, or fallback: Int) -> Int {
        ProcessInfo.processInfo.environment["STRETTCH_KILL_\(name)"].flatMap { Int($0) } ?? fallback
    }

    /// `STRETTCH_KILL_SEED`, or one that nobody has chosen.
    static var seed: UInt64 { UInt64(environment("SEED", or: Int.random(in: 1...999_999))) }
}

/// What a run came to.
struct KillReport: Sendable {
    var plan: KillPlan
    var rounds = 0
    var killsWhileStarting = 0
    var killedGuests = 0
    var acknowledged = 0
    var lateAnswers = 0
    var replays = 0
    var deleted = 0
    /// From the start of the program to nothing left to do, in milliseconds, by round.
    var quietMs: [Int] = []

    /// The closing line.
    var line: String {
        let sorted = quietMs.sorted()
        let median = sorted.isEmpty ? 0 : sorted[sorted.count / 2]
        return
            "kill: seed \(plan.seed), \(rounds) rounds with \(plan.isSimulated ? "pretended" : "real") machines "
            + "(\(killsWhileStarting) killed again while starting, \(killedGuests) guests killed): "
            + "\(acknowledged) creates acknowledged, \(lateAnswers) of them by a retry; \(replays) replays, "
            + "\(deleted) deletes; 0 lost, 0 duplicated, 0 leaked, 0 stuck; quiet after \(median) ms at the median, "
            + "\(sorted.last ?? 0) ms at the longest"
    }
}
