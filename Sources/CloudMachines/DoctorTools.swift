/// A program that this project runs, or a file that it reads, and where Debian has it.
struct DoctorTool: Sendable, Equatable {
    /// A name to look up in PATH, or an absolute path.
    var program: String
    var package: String
    var purpose: Purpose

    /// What can't be done without it.
    enum Purpose: Sendable, CaseIterable {
        case machines
        case bridgedNetwork
        case images
    }

    static let all =
        [
            DoctorTool(program: "qemu-system-x86_64", package: "qemu-system-x86", purpose: .machines),
            DoctorTool(program: "qemu-img", package: "qemu-utils", purpose: .machines),
            DoctorTool(program: "genisoimage", package: "genisoimage", purpose: .machines),
            DoctorTool(program: "setsid", package: "util-linux", purpose: .machines),
            DoctorTool(program: "setpriv", package: "util-linux", purpose: .machines),
            DoctorTool(program: "unshare", package: "util-linux", purpose: .machines),
            DoctorTool(program: "prlimit", package: "util-linux", purpose: .machines),
            DoctorTool(program: "ip", package: "iproute2", purpose: .bridgedNetwork),
            DoctorTool(program: "nft", package: "nftables", purpose: .bridgedNetwork),
            DoctorTool(program: "sysctl", package: "procps", purpose: .bridgedNetwork),
        ] + images

    /// What the recipes call, each once.
    private static let images = ImageRecipe.allCases.flatMap(\.tools).reduce(into: [DoctorTool]()) {
        tools, tool in
        let new = DoctorTool(program: tool.program, package: tool.package, purpose: .images)
        if !tools.contains(new) { tools.append(new) }
    }

    /// The oldest QEMU that this project is tried with.
    static let oldestQEMU = QEMUVersion(major: 7, minor: 2)

    /// One finding for each purpose that the host is to serve, out of the tools that were found.
    static func findings(present: Set<String>, networkMode: NetworkMode) -> [DoctorFinding] {
        Purpose.allCases.filter { $0 != .bridgedNetwork || networkMode == .bridged }.map { purpose in
            let tools = all.filter { $0.purpose == purpose }
            let missing = tools.filter { !present.contains($0.program) }
            guard !missing.isEmpty else {
                return DoctorFinding(
                    purpose.check, .ok, tools.map(\.program).joined(separator: ", ") + " are here")
            }
            return DoctorFinding(
                purpose.check, purpose.severity,
                "\(missing.map(\.program).joined(separator: ", ")) missing: \(purpose.loss)",
                remedy: "install \(missing.map(\.package).joined(separator: ", "))",
                packages: missing.map(\.package))
        }
    }

    /// What `qemu-system-x86_64 --version` says about it.
    static func qemu(_ output: String) -> DoctorFinding {
        let check = "QEMU version"
        guard let version = QEMUVersion(output) else {
            return DoctorFinding(
                check, .failed, "qemu-system-x86_64 does not tell its version: '\(output.prefix(80))'",
                remedy: "reinstall qemu-system-x86")
        }
        let text = "\(version.major).\(version.minor)"
        let oldest = "\(oldestQEMU.major).\(oldestQEMU.minor)"
        guard version >= oldestQEMU else {
            return DoctorFinding(
                check, .warning, "\(text) is older than what is tried, \(oldest)",
                remedy: "upgrade to QEMU \(oldest) or newer")
        }
        return DoctorFinding(check, .ok, text)
    }
}

extension DoctorTool.Purpose {
    fileprivate var check: String {
        switch self {
        case .machines: "Tools for machines"
        case .bridgedNetwork: "Tools for the network"
        case .images: "Tools for images"
        }
    }

    fileprivate var severity: DoctorFinding.Status {
        switch self {
        case .machines, .bridgedNetwork: .failed
        case .images: .warning
        }
    }

    fileprivate var loss: String {
        switch self {
        case .machines: "no machine can start"
        case .bridgedNetwork: "no network can be built"
        case .images: "images can be downloaded but not built here"
        }
    }
}
