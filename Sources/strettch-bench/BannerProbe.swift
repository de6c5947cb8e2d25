import CloudCore
import CloudWire
import Foundation

/// Asks once whether the guest's SSH server answers, apart from the program's own way of asking.
///
/// It blocks its thread for at most the two limits, which a measurement with nothing beside it can bear.
struct BannerProbe: Sendable {
    private var address: String
    private var port: UInt16

    /// Milliseconds that a connection may take; the next attempt is the better bet while a guest comes up.
    private static let connectMs: Int32 = 20
    /// Milliseconds from the connection to the banner.
    private static let bannerMs: Int32 = 500
    private static let banner = Array("SSH-".utf8)

    /// Throws when the compute shows no address.
    init(_ compute: ComputeWire) throws {
        if let endpoint = compute.sshEndpoint?.split(separator: ":"), let port = UInt16(endpoint[1]) {
            (address, self.port) = (String(endpoint[0]), port)
        } else if let address = compute.privateIpv4 {
            (self.address, port) = (address, 22)
        } else {
            throw Lab.failure("The compute \(compute.id) has no address.")
        }
    }

    func answers() throws(CloudError) -> Bool {
        // Safe: a plain call; the descriptor is closed on every way out.
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw Lab.failure("No socket: errno \(errno).") }
        defer { close(descriptor) }
        return connects(descriptor) && greets(descriptor)
    }

    private func connects(_ descriptor: Int32) -> Bool {
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = port.bigEndian
        // Safe: reads a C string, and writes to the local alone.
        guard inet_pton(AF_INET, address, &target.sin_addr) == 1 else { return false }
        // Safe: a sockaddr_in is what an AF_INET socket takes, and its size is given.
        let result = withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result == 0 { return true }
        guard errno == EINPROGRESS, isReady(descriptor, Int16(POLLOUT), milliseconds: Self.connectMs) else {
            return false
        }
        var failure: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        // Safe: the kernel writes four bytes into a local of that size.
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0
    }

    private func greets(_ descriptor: Int32) -> Bool {
        guard isReady(descriptor, Int16(POLLIN), milliseconds: Self.bannerMs) else { return false }
        var bytes = [UInt8](repeating: 0, count: Self.banner.count)
        // Safe: reads at most as many bytes as the array has.
        return read(descriptor, &bytes, bytes.count) == bytes.count && bytes == Self.banner
    }

    private func isReady(_ descriptor: Int32, _ events: Int16, milliseconds: Int32) -> Bool {
        var wanted = pollfd(fd: descriptor, events: events, revents: 0)
        // Safe: one entry is given, and one is announced.
        return poll(&wanted, 1, milliseconds) == 1
    }
}
