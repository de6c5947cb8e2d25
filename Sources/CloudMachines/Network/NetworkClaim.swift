import CloudCore

#if canImport(Glibc)
    import Glibc
#endif

#if os(Linux)
    /// Says that the network of this host (of this network namespace) belongs to an installation, for as long as the value lives:
    /// whatever is named as ours is there is put right or taken away, so a second installation would cut the first one's guests off.
    ///
    /// It is a unix socket with an abstract name (unix(7)), so the kernel ends it with the server, and each network namespace has
    /// names of its own. Each server of an installation has one: a new one takes over while the old one ends.
    final class NetworkClaim: Sendable {
        /// What the names of all of them begin with; the installation and the process follow.
        static let service = "strettch-network"
        /// Servers that ask a claim whose it is until it no longer tells. It is kept for real then.
        private static let backlog: Int32 = 4096
        /// Bytes that are read of the kernel's table of unix sockets, some 100,000 of them.
        private static let tableLimit = 8 << 20

        private let descriptor: Int32

        private init(descriptor: Int32) { self.descriptor = descriptor }

        deinit { close(descriptor) }

        /// Throws `.conflict` when the network is another installation's, whose server runs.
        /// - Parameters:
        ///   - owner: the user whose claims count. Any user may have such a name, and must not keep a server from its start.
        static func make(
            installationId: String, service: String = service, owner: uid_t = geteuid()
        ) throws(CloudError) -> NetworkClaim {
            // Its own first: of two that start together, each sees the other.
            let claim = try bound(
                to: "\(service)/\(installationId)/\(getpid())-\(UInt32.random(in: 0 ... .max))")
            let names = MachineFiles.text("/proc/self/net/unix", limit: tableLimit)?.split(separator: "\n")
                .compactMap { line in
                    line.split(separator: " ").last.flatMap {
                        $0.hasPrefix("@\(service)/") ? String($0.dropFirst()) : nil
                    }
                }
            for name in names ?? [] {
                let words = name.split(separator: "/", omittingEmptySubsequences: false)
                guard words.count == 3, words[1] != installationId, isClaimed(name, by: owner) else {
                    continue
                }
                throw CloudError(
                    .conflict,
                    "The network of this host belongs to another installation of strettch (\(String(words[1]).shown)), whose "
                        + "server runs. One bridged server to a host: use --network user, or a network namespace of its own."
                )
            }
            return claim
        }

        private static func bound(to name: String) throws(CloudError) -> NetworkClaim {
            let claim = try NetworkClaim(descriptor: openSocket())
            let result = at(name) { bind(claim.descriptor, $0, $1) }
            guard result == 0, listen(claim.descriptor, backlog) == 0 else { throw failure() }
            return claim
        }

        /// Whether it is a server's. One that is asked by too many at once is; one that has ended meanwhile is not.
        private static func isClaimed(_ name: String, by owner: uid_t) -> Bool {
            // One that can't be asked counts.
            guard let socket = try? NetworkClaim(descriptor: openSocket()) else { return true }
            guard at(name, { connect(socket.descriptor, $0, $1) }) == 0 else { return errno == EAGAIN }
            // Process, user and group of who listens (unix(7), struct ucred).
            var peer: [UInt32] = [0, 0, 0]
            var size = socklen_t(peer.count * MemoryLayout<UInt32>.size)
            // Safe: writes at most that many bytes into the array.
            guard getsockopt(socket.descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 else {
                return true
            }
            return peer[1] == owner
        }

        private static func openSocket() throws(CloudError) -> Int32 {
            let kind =
                Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
            let descriptor = socket(AF_UNIX, kind, 0)
            guard descriptor >= 0 else { throw failure() }
            return descriptor
        }

        /// Calls `body` with the abstract address of the name, which is as long as the name says.
        private static func at(_ name: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32
        {
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = Array(name.utf8.prefix(MemoryLayout.size(ofValue: address.sun_path) - 1))
            // Safe: the name and the zero before it are no longer than the field, which is filled with zeros.
            withUnsafeMutableBytes(of: &address.sun_path) { path in
                for (index, byte) in bytes.enumerated() { path[index + 1] = byte }
            }
            let length = MemoryLayout<sa_family_t>.size + 1 + bytes.count
            return withUnsafePointer(to: &address) { address in
                // Safe: a sockaddr_un is what an address of this family is.
                address.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
            }
        }

        private static func failure() -> CloudError {
            CloudError(
                .internalServerError,
                "The server could not claim the host's network: \(String(cString: strerror(errno))).")
        }
    }
#endif
