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
