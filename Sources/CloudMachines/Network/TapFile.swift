import CloudCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A tap's side that a QEMU has open. Opening it needs root, which QEMU is not.
enum TapFile {
    #if os(Linux)
        /// From linux/if_tun.h, which Swift does not see: an interface of frames, without a header of the tun driver, and
        /// with one for offloads, which QEMU understands.
        private static let flags: Int16 = 0x0002 | 0x1000 | 0x4000
        private static let setInterface: UInt = 0x4004_54CA  // TUNSETIFF

        /// Opens the tap, in the network of this thread. Throws `.internalServerError` when it is not there or another
        /// process has it.
        static func open(_ name: String) throws(CloudError) -> OpenFile {
            // Without it the kernel would make one, which nobody knows of.
            guard try TapState(of: name) != .absent else { throw failure(name, "it is not there") }
            let descriptor = Glibc.open("/dev/net/tun", O_RDWR | O_CLOEXEC)
            guard descriptor >= 0 else { throw failure(name, String(cString: strerror(errno))) }
            let file = OpenFile(owning: descriptor)
            var request = ifreq()
            // Safe: copies at most the field's own size, with its end, into a local.
            withUnsafeMutableBytes(of: &request.ifr_ifrn.ifrn_name) { field in
                field.copyBytes(from: name.utf8.prefix(field.count - 1))
            }
            request.ifr_ifru.ifru_flags = flags
            // Safe: the request is a local of the type that this call reads (netdevice(7)).
            guard ioctl(descriptor, setInterface, &request) == 0 else {
                throw failure(name, String(cString: strerror(errno)))
            }
            return file
        }
    #else
        static func open(_ name: String) throws(CloudError) -> OpenFile {
            throw failure(name, "not on this system")
        }
    #endif

    private static func failure(_ name: String, _ why: String) -> CloudError {
        CloudError(
            .internalServerError, "The machine's network interface can't be opened; it is tried again.",
            detail: "\(name): \(why)")
    }
}
