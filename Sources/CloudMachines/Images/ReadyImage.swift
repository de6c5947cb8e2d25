import CloudCore

/// An image whose bytes are on this host, verified and read-only.
public struct ReadyImage: Sendable, Equatable {
    /// Path of the qcow2 base that machines' disks lie over.
    public var disk: String
    /// Set where QEMU loads the kernel itself instead of booting from the disk.
    public var kernel: DirectKernel?

    public init(disk: String, kernel: DirectKernel? = nil) {
        self.disk = disk
        self.kernel = kernel
    }
}

extension ReadyImage {
    /// The image whose base is at `disk`, with the kernel that lies beside it, if any.
    static func installed(disk: String) throws(CloudError) -> ReadyImage {
        let folder = disk.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
            separator: "/")
        let kernel = "\(folder)/\(ImageManifest.kernel)"
        guard HostFiles.exists(kernel) else { return ReadyImage(disk: disk) }
        guard let text = HostFiles.read("\(folder)/\(ImageManifest.commandLine)") else {
            throw CloudError(
                .internalServerError, "The kernel parameters of an image can't be read.", detail: folder)
        }
        let line = String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline).first ?? ""
        return ReadyImage(
            disk: disk,
            kernel: DirectKernel(
                kernel: kernel, initrd: "\(folder)/\(ImageManifest.initrd)", commandLine: String(line)))
    }
}

/// A kernel that QEMU loads without firmware or boot loader, the quickest way to boot.
public struct DirectKernel: Sendable, Equatable {
    public var kernel: String
    public var initrd: String
    public var commandLine: String

    public init(kernel: String, initrd: String, commandLine: String) {
        self.kernel = kernel
        self.initrd = initrd
        self.commandLine = commandLine
    }
}
