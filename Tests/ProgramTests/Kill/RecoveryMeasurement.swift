import CloudClient
import CloudDatabase
import CloudTesting
import Foundation

/// How long a server that was killed needs until nothing is left to do, with many computes, half of which were in the
/// midst of something.
struct RecoveryMeasurement {
    /// Half of them run; of the other half a fifth each is being created, deleted, rebooted, stopped and started.
    let computes: Int

    /// Makes every call to a machine last until the kill.
    private static let endless = ["STRETTCH_SIMULATED_DELAY=60000"]
    /// Pretended guests need no CPU to boot.
    private static let free = ["--boot-slots", "1000"]
    private static let connections = 8

    /// The closing line.
    func run() async throws -> String {
        var line = ""
        try await RealCloud.with(simulated: true) { cloud in
            let there = computes * 9 / 10
            let ids = try await each(0..<there) { number in try await cloud.create("c-\(number)") }
            try await quiet(cloud)
            let group = computes / 10
            let stopped = Array(ids.prefix(group))
            _ = try await each(stopped) { id in try await cloud.client { try await $0.stopCompute(id: id) } }
            try await quiet(cloud)
            try await cloud.end(SIGTERM)

            try await cloud.start(environment: Self.endless)
            let busy = Array(ids.dropFirst(group))
            _ = try await each(stopped) { id in try await cloud.client { try await $0.startCompute(id: id) } }
            _ = try await each(busy[0..<group]) { id in
                try await cloud.client { try await $0.stopCompute(id: id) }
            }
            _ = try await each(busy[group..<(2 * group)]) { id in
                try await cloud.client { try await $0.rebootCompute(id: id) }
            }
            _ = try await each(busy[(2 * group)..<(3 * group)]) { id in
                try await cloud.client { try await $0.deleteCompute(id: id) }
            }
            _ = try await each(0..<group) { number in try await cloud.create("new-\(number)") }
            let pending = try await underWay(cloud)
            try await cloud.end(SIGKILL)

            let began = ContinuousClock.now
            try await cloud.launch(more: Self.free)
            try await cloud.answers()
            let answered = ContinuousClock.now - began
            try await quiet(cloud)
            let quiet = ContinuousClock.now - began
            let cpu = try cloud.serverCPUMs()
            let findings = try await KillAudit(
                cloud: cloud, database: try SQLiteDatabase(path: "\(cloud.data)/strettch.sqlite")
            ).findings()
            guard findings.isEmpty else { throw TestFailure(findings.prefix(10).joined(separator: "; ")) }
            line =
                "recovery: \(computes) computes, \(pending) of them in the midst of something at the kill: answers after "
                + "\(Int(answered / .milliseconds(1))) ms, quiet after \(Int(quiet / .milliseconds(1))) ms, with "
                + "\(cpu) ms of CPU time"
        }
        return line
    }

    private func underWay(_ cloud: RealCloud) async throws -> Int64 {
        let database = try SQLiteDatabase(path: "\(cloud.data)/strettch.sqlite")
        return try await database.read { sql in
            try sql.query("SELECT COUNT(*) AS n FROM jobs WHERE due_at_ms IS NOT NULL")[0].int("n")
        }
    }

    private func quiet(_ cloud: RealCloud) async throws {
        let database = try SQLiteDatabase(path: "\(cloud.data)/strettch.sqlite")
        try await eventually("nothing is left to do", within: .seconds(120)) {
            try await database.read { sql in
                try sql.query("SELECT COUNT(*) AS n FROM jobs WHERE due_at_ms IS NOT NULL")[0].int("n") == 0
            }
        }
    }

    /// Runs `body` for each, some at a time, and returns what it returned, in order.
    private func each<Items: RandomAccessCollection & Sendable, Result: Sendable>(
        _ items: Items, _ body: @escaping @Sendable (Items.Element) async throws -> Result
    ) async throws -> [Result] where Items.Element: Sendable {
        try await withThrowingTaskGroup(of: [(Int, Result)].self) { group in
            let numbered = Array(items.enumerated())
            for part in 0..<Self.connections {
                let own = numbered.filter { $0.offset % Self.connections == part }
                group.addTask {
                    var results: [(Int, Result)] = []
                    for (number, item) in own { results.append((number, try await body(item))) }
                    return results
                }
            }
            var all: [(Int, Result)] = []
            for try await results in group { all += results }
            return all.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}

extension RealCloud {
    /// The CPU time that the server has taken so far, in milliseconds (proc(5): `utime` and `stime`, in ticks of 10 ms).
    fileprivate func serverCPUMs() throws -> Int {
        let stat = try String(contentsOfFile: "/proc/\(serverPid())/stat", encoding: .utf8)
        let fields = (stat.split(separator: ")").last ?? "").split(separator: " ")
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else {
            throw TestFailure("no times in '\(stat)'")
        }
        return (user + system) * 10
    }
}
