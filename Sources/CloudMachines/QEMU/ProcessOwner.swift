#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Who a process is: its users, and the program that it runs.
struct ProcessOwner: Sendable, Equatable {
    /// Real, effective, saved and of its files (proc(5), `Uid`).
    var uids: [UInt32]
    /// The program's file name; `nil` when we may not know.
    var program: String?

    private static let statusLimit = 8192
    /// The program that starts a machine's QEMU as the machine's own user (`QEMUProgram`).
    private static let becoming = "setpriv"
    /// What is put behind the name of a program's file that was replaced, as an upgrade of QEMU does.
    private static let replaced = " (deleted)"

    init(uids: [UInt32], program: String?) {
        self.uids = uids
        self.program = program
    }

    /// `nil` when there is no such process.
    init?(pid: Int32) {
        guard let status = MachineFiles.text("/proc/\(pid)/status", limit: Self.statusLimit),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Uid:") })
        else { return nil }
        uids = line.split(separator: "\t").compactMap { UInt32($0) }
        // nil: gone, or not ours to know.
        let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")
        program = path.map { path in
            let path = path.hasSuffix(Self.replaced) ? String(path.dropLast(Self.replaced.count)) : path
            return String(path.split(separator: "/").last ?? "")
        }
    }

    /// Whether the process may be the machine's whose user this is. A machine's own user runs nothing but its QEMU, so what
    /// its program is matters only where it runs as our own user (`nil`), as much else may.
    func mayRun(as uid: UInt32?) -> Bool {
        guard uids.count == 4 else { return false }
        if let uid {
            if uids.allSatisfy({ $0 == uid }) { return true }
            // It is about to become QEMU, and gives up being root: a look at that moment must not start a second one beside
            // it. Nobody but root can run anything as root.
            return program == Self.becoming && uids.allSatisfy { $0 == 0 || $0 == uid }
        }
        // Safe: can't fail.
        return uids.allSatisfy { $0 == geteuid() } && program?.contains("qemu") == true
    }
}
