import CloudCore

/// Tells one boot of the host from the next.
enum HostBoot {
    /// The kernel's boot id, and when its first process started: a container is started anew under the same kernel, and
    /// everything in it has ended then. Throws `.internalServerError` without /proc.
    static func id() throws(CloudError) -> String {
        let path = "/proc/sys/kernel/random/boot_id"
        guard let text = MachineFiles.text(path, limit: 64), let first = HostProcess(pid: 1) else {
            throw CloudError(
                .internalServerError, "The host does not tell when it booted. Mount /proc.",
                detail: "\(path) or /proc/1/stat can't be read")
        }
        return "\(text.filter { !$0.isWhitespace })/\(first.startTicks)"
    }
}
