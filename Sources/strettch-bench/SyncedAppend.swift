import CloudCore
import Foundation

/// A file that grows by 4 KiB at a time, each time waiting until the disk has it.
final class SyncedAppend {
    private let descriptor: Int32
    private let block = [UInt8](repeating: 0x5A, count: 4096)

    init(path: String) throws(CloudError) {
        // Safe: the path is a C string for the call's duration; `deinit` closes the descriptor.
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Lab.failure("\(path) can't be opened: errno \(errno).") }
    }

    deinit { close(descriptor) }

    func append() throws(CloudError) {
        // Safe: writes as many bytes as the array has, and syncs a descriptor of ours.
        guard write(descriptor, block, block.count) == block.count, fdatasync(descriptor) == 0 else {
            throw Lab.failure("The 4 KiB could not be written: errno \(errno). Check the free space.")
        }
    }
}
