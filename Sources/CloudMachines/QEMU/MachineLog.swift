/// What a machine's QEMU said on this host, for the operator.
public enum MachineLog {
    /// Bytes and lines at most of its end.
    private static let maxBytes = 8192
    private static let maxLines = 40

    /// The last lines; `nil` when nothing of the machine is here.
    public static func qemu(dataDirectory: String, id: Int64) -> [String]? {
        let directory = MachineDirectory(data: dataDirectory, id: id)
        guard MachineFiles.exists(directory.qemuLog) else { return nil }
        let text = MachineFiles.tail(directory.qemuLog, limit: maxBytes)
        return text.split(whereSeparator: \.isNewline).suffix(maxLines).map(String.init)
    }
}
