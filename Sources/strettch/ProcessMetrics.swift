import CloudMetrics
import Foundation

/// What the kernel says of this process, by the names that Prometheus gives to it. Nothing where there is no `/proc`.
enum ProcessMetrics {
    static func families() -> [MetricFamily] {
        // Each try? here: a figure that can't be had is left out, and the others are told.
        let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8)  // see above
        let boot = try? String(contentsOfFile: "/proc/stat", encoding: .utf8)  // see above
        let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")  // see above
        return families(stat: stat ?? "", boot: boot ?? "", openFiles: open?.count, Units())
    }

    /// What the figures are counted in.
    struct Units {
        // Safe: both calls read a constant of the system.
        var ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
        var pageBytes = Double(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// - Parameters:
    ///   - stat: the text of `/proc/PID/stat` (proc_pid_stat(5)).
    ///   - boot: the text of `/proc/stat`, whose `btime` is when the host was started.
    static func families(stat: String, boot: String, openFiles: Int?, _ units: Units) -> [MetricFamily] {
        // The name, in brackets, may hold anything; the fields after it start with the third.
        let fields = (stat.split(separator: ")").last ?? "").split(separator: " ").map { Double($0) }
        func field(_ number: Int) -> Double? {
            fields.indices.contains(number - 3) ? fields[number - 3] : nil
        }
        let cpu = field(14).flatMap { user in field(15).map { (user + $0) / units.ticksPerSecond } }
        let bootSeconds = boot.split(separator: "\n").first { $0.hasPrefix("btime ") }
            .flatMap { Double($0.dropFirst("btime ".count)) }
        let start = field(22).flatMap { ticks in bootSeconds.map { $0 + ticks / units.ticksPerSecond } }
        return [
            family("process_cpu_seconds_total", .counter, "CPU time of the process, user and system.", cpu),
            family(
                "process_start_time_seconds", .gauge, "Unix time at which the process was started.", start),
            family(
                "process_resident_memory_bytes", .gauge, "Memory of the process that is in RAM.",
                field(24).map { $0 * units.pageBytes }),
            family("process_virtual_memory_bytes", .gauge, "Address space of the process.", field(23)),
            family(
                "process_open_fds", .gauge, "Open file descriptors of the process.",
                openFiles.map { Double($0) }),
        ].compactMap { $0 }
    }

    private static func family(
        _ name: String, _ kind: MetricFamily.Kind, _ help: String, _ value: Double?
    ) -> MetricFamily? {
        value.map { MetricFamily(name, kind, help: help, samples: [.init(value: $0)]) }
    }
}
