#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What the doctor found about one thing.
public struct DoctorFinding: Sendable, Equatable, Codable {
    /// How bad it is.
    public enum Status: String, Sendable, Codable {
        case ok
        /// Works, with a drawback that the operator should know.
        case warning
        /// Machines can't be made until it is put right.
        case failed
    }

    public var check: String
    public var status: Status
    /// What was found, and what follows from it.
    public var meaning: String
    /// What to do about it.
    public var remedy: String?
    /// Debian's packages that are missing.
    public var packages: [String]

    init(
        _ check: String, _ status: Status, _ meaning: String, remedy: String? = nil, packages: [String] = []
    ) {
        self.check = check
        self.status = status
        self.meaning = meaning
        self.remedy = remedy
        self.packages = packages
    }
}

/// What the doctor found about the host, in the order in which it looked.
public struct DoctorReport: Sendable, Equatable, Codable {
    public var findings: [DoctorFinding]

    /// Whether machines can be made here.
    public var isHealthy: Bool { !findings.contains { $0.status == .failed } }

    /// The command that installs all that is missing; `nil` when nothing is.
    public var installLine: String? {
        let packages = Set(findings.flatMap(\.packages)).sorted()
        return packages.isEmpty
            ? nil : "apt-get install --no-install-recommends \(packages.joined(separator: " "))"
    }

    /// For people: a line per finding, its remedy below it, and the conclusion.
    public var table: String {
        let width = findings.map(\.check.count).max() ?? 0
        var lines: [String] = []
        for finding in findings {
            let check = finding.check.padded(to: width)
            lines.append("\(Self.mark(finding.status))  \(check)  \(Self.brief(finding.meaning))")
            if let remedy = finding.remedy {
                lines.append(String(repeating: " ", count: width + Self.markWidth + 4) + "→ " + remedy)
            }
        }
        if let installLine { lines.append("\nInstall what is missing:\n  \(installLine)") }
        lines.append("\n\(conclusion)")
        return lines.joined(separator: "\n")
    }

    /// For programs, with sorted keys.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    private var conclusion: String {
        let failed = findings.count { $0.status == .failed }
        let warnings = findings.count { $0.status == .warning }
        if failed > 0 { return "Not ready: \(failed) failed, \(warnings) with a warning." }
        return warnings > 0 ? "Ready, with \(warnings) to think about." : "Ready."
    }

    private static let markWidth = 7
    /// How much of a meaning the table shows, in characters. The JSON has all of it.
    private static let briefLimit = 240

    private static func brief(_ meaning: String) -> String {
        let line = meaning.prefix { !$0.isNewline }
        return line.count < meaning.count || line.count > briefLimit
            ? "\(line.prefix(briefLimit))… (all of it: --json)" : meaning
    }

    private static func mark(_ status: DoctorFinding.Status) -> String {
        switch status {
        case .ok: "ok     "
        case .warning: "warning"
        case .failed: "failed "
        }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
