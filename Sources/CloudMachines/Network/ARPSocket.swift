import CloudCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Sends whole Ethernet frames, for which Linux wants root (packet(7)).
public enum ARPSocket {
    #if os(Linux)
        /// Sends them in the network of this thread. Throws `.internalServerError` when the kernel takes one not.
        public static func send(_ announcements: [AddressAnnouncement]) throws(CloudError) {
            let socket = Glibc.socket(
                AF_PACKET, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard socket >= 0 else { throw failure("socket", errno) }
            defer { close(socket) }
            for announcement in announcements {
                // Safe: reads a text of ours.
                let index = if_nametoindex(announcement.interface)
                guard index > 0 else { throw failure(announcement.interface, errno) }
                let place = place(interface: index)
                for frame in announcement.frames {
                    // Safe: reads both arrays, at most as many bytes as they have.
                    let sent = frame.withUnsafeBytes { frame in
                        place.withUnsafeBytes { place in
                            sendto(
                                socket, frame.baseAddress, frame.count, 0,
                                place.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                                socklen_t(place.count))
                        }
                    }
                    guard sent == frame.count else { throw failure(announcement.interface, errno) }
                }
            }
        }

        /// A `sockaddr_ll` (packet(7)): only its family and its interface are looked at for a frame that is whole.
        private static func place(interface: UInt32) -> [UInt8] {
            func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value, Array.init) }
            return bytes(UInt16(AF_PACKET)) + [0, 0] + bytes(interface) + Array(repeating: 0, count: 12)
        }
    #else
        public static func send(_ announcements: [AddressAnnouncement]) throws(CloudError) {
            throw failure("frames", ENOTSUP)
        }
    #endif

    private static func failure(_ what: String, _ errno: Int32) -> CloudError {
        CloudError(
            .internalServerError,
            "The host's neighbours can't be told where a public address is. Look at the host's log.",
            detail: "announcing on \(what): errno \(errno)")
    }
}
