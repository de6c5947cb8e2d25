import CloudMachines
import Foundation

/// What the figures were measured on.
struct MachineFacts: Codable, Sendable {
    var cpu: String
    var cores: Int
    var memoryMb: Int
    var kernel: String
    var qemu: String
    /// `nil` without guests.
    var accelerator: String?
    var network: String
    /// Type of the file system that database and disks lie on.
    var fileSystem: String
    /// Mean number of runnable processes over 1, 5 and 15 minutes at the run's end: what else kept the machine busy.
    var load: String
    /// RFC 3339.
    var measuredAt: String
    /// Milliseconds between two looks at a booting guest: the resolution of the boots' times.
    var pollMs: Int

    static func read(_ lab: Lab, accelerator: String?) async throws -> MachineFacts {
        let qemu = try await Command("qemu-system-x86_64", ["--version"]).run().standardOutput
        let fileSystem = try await Command("df", ["--output=fstype", lab.folder]).run().standardOutput
        return MachineFacts(
            cpu: cpuModel, cores: ProcessInfo.processInfo.activeProcessorCount,
            memoryMb: Int(ProcessInfo.processInfo.physicalMemory >> 20),
            kernel: firstLine("/proc/sys/kernel/osrelease"),
            qemu: qemu.split(separator: "\n").first.map(String.init) ?? "", accelerator: accelerator,
            network: Lab.isBridged ? "bridged" : "user",
            fileSystem: fileSystem.split(separator: "\n").last.map(String.init) ?? "",
            load: firstLine("/proc/loadavg").split(separator: " ").prefix(3).joined(separator: " "),
            measuredAt: Date().formatted(.iso8601), pollMs: Int(Lab.pollInterval.milliseconds))
    }

    var lines: [String] {
        [
            "\(cpu), \(cores) cores, \(memoryMb) MB, Linux \(kernel), \(fileSystem)",
            accelerator.map { "\(qemu), \($0), \(network) network, boots polled every \(pollMs) ms" },
            "load \(load), \(measuredAt)",
        ].compactMap(\.self)
    }

    private static var cpuModel: String {
        let lines = text("/proc/cpuinfo").split(separator: "\n")
        let line = lines.first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
            ?? "unknown CPU"
    }

    private static func firstLine(_ path: String) -> String {
        text(path).split(separator: "\n").first.map(String.init) ?? "unknown"
    }

    private static func text(_ path: String) -> String {
        (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""  // a host without it has no such fact
    }
}
