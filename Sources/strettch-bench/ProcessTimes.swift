import Foundation

/// Processor time by `/proc/PID/stat` (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
enum ProcessTimes {
    /// Seconds that the processes with `text` in their arguments have used, in user and system mode.
    /// - Parameter withChildren: their children too, also those that have ended.
    static func seconds(naming text: String, withChildren: Bool = false) -> Double {
        let all = processes()
        let named = all.filter { $0.arguments.contains(text) }
        let ids = Set(named.map(\.id))
        let children = all.filter { withChildren && ids.contains($0.parent) && !ids.contains($0.id) }
        let ticks =
            named.reduce(0) { $0 + $1.ticks + (withChildren ? $1.endedTicks : 0) }
            + children.reduce(0) { $0 + $1.ticks }
        return Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Seconds that this process has used.
    static var own: Double {
        let process = entry(Int(getpid()))
        return Double(process?.ticks ?? 0) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// MiB that the processes with `text` in their arguments have in memory.
    static func residentMb(naming text: String) -> Double {
        let named = processes().filter { $0.arguments.contains(text) }
        return Double(named.reduce(0) { $0 + residentPages($1.id) } * Int(getpagesize())) / 1_048_576
    }

    /// The second field of `/proc/PID/statm`.
    private static func residentPages(_ id: Int) -> Int {
        let text = (try? String(contentsOfFile: "/proc/\(id)/statm", encoding: .utf8)) ?? ""  // it has ended
        return text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    }

    private struct Entry {
        var id: Int
        var parent: Int
        var arguments: String
        var ticks: Int
        /// Of children that have ended and were waited for.
        var endedTicks: Int
    }

    private static func processes() -> [Entry] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc")  // nil: none can be seen
        return (names ?? []).compactMap { Int($0) }.compactMap(entry)
    }

    /// `nil` for a process that has ended.
    private static func entry(_ id: Int) -> Entry? {
        let stat = (try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8)) ?? ""  // it has ended
        // The name before it may hold anything.
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ").map { Int($0) ?? 0 }
        guard fields.count > 14 else { return nil }
        let line = FileManager.default.contents(atPath: "/proc/\(id)/cmdline") ?? Data()
        return Entry(
            id: id, parent: fields[1], arguments: String(decoding: line, as: UTF8.self),
            ticks: fields[11] + fields[12], endedTicks: fields[13] + fields[14])
    }
}
