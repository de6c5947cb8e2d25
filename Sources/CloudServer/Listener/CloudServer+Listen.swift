import CloudCore
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension CloudServer {
    /// Where the server listens.
    public enum Listen: Sendable, Equatable, CustomStringConvertible {
        case tcp(host: String, port: Int)
        case unix(path: String)

        /// Reads `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080` or `unix:PATH`; `nil` for anything else, such as a port
        /// alone, an address of IPv6 without brackets, and the short forms of IPv4 (`0`, `127.1`) that a resolver takes for
        /// addresses nobody meant.
        public init?(_ text: String) {
            if text.hasPrefix("unix:") {
                guard text.utf8.count > 5 else { return nil }
                self = .unix(path: String(text.dropFirst(5)))
                return
            }
            guard let colon = text.lastIndex(of: ":"),
                let port = Self.port(text[text.index(after: colon)...]),
                let host = Self.host(text[..<colon])
            else { return nil }
            self = .tcp(host: host, port: port)
        }

        private static func port(_ text: Substring) -> Int? {
            guard let port = UInt16(text), String(port) == text else { return nil }
            return Int(port)
        }

        private static func host(_ text: Substring) -> String? {
            if text.first == "[", text.last == "]" {
                let address = text.dropFirst().dropLast()
                return address.contains(":") && NetworkAddress(address) != nil ? String(address) : nil
            }
            if IPv4Address(text) != nil { return String(text) }
            return isName(text) ? String(text) : nil
        }

        /// A host name (RFC 1123, section 2.1). One whose last label begins with a digit would be read as a number.
        private static func isName(_ text: Substring) -> Bool {
            let labels = text.split(separator: ".", omittingEmptySubsequences: false)
            guard text.utf8.count <= 253, labels.last?.first?.isNumber == false else { return false }
            return labels.allSatisfy { label in
                (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                    && label.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
            }
        }

        /// Whether this machine alone reaches it.
        public var isLocal: Bool {
            switch self {
            case .unix: true
            case .tcp(let host, _):
                host.lowercased() == "localhost" || NetworkAddress(host)?.isLoopback == true
            }
        }

        public var description: String {
            switch self {
            case .tcp(let host, let port): "\(Self.inURL(host)):\(port)"
            case .unix(let path): "unix:\(path)"
            }
        }

        /// The host as URLs have it: IPv6 in brackets (RFC 3986, section 3.2.2).
        private static func inURL(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }

        /// The address for a client on this machine, where it listens on all of them.
        public var asClient: Listen {
            switch self {
            case .tcp("0.0.0.0", let port): .tcp(host: "127.0.0.1", port: port)
            case .tcp(let host, let port) where NetworkAddress(host) == NetworkAddress(high: 0, low: 0):
                .tcp(host: "::1", port: port)
            case .tcp, .unix: self
            }
        }
    }
}

extension CloudServer.Listen {
    /// Runs `serve`, which listens here. Throws `CONFLICT` when another program listens there, and `VALIDATION_ERROR`
    /// when the address is none of this machine's or may not be used.
    /// - Parameter option: the command line's name for the setting.
    func whileServing(option: String, _ serve: () async throws -> Void) async throws {
        let inUse = CloudError(
            .conflict,
            "Another program listens on \(self). Stop it, or choose another address with \(option).")
        if case .unix(let path) = self, await Self.isInUse(path) { throw inUse }
        do {
            try await serve()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw inUse
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw CloudError(
                .validationError,
                "The server can't listen on \(self): \(error). Choose an address of this machine, and a port or path "
                    + "that this user may use, with \(option).")
        }
    }

    /// Where it is bound, as an address for clients; a port 0 becomes the one that the kernel chose.
    func bound(_ address: SocketAddress?, isSecure: Bool) -> String {
        switch self {
        case .tcp(let host, let port):
            "\(isSecure ? "https" : "http")://\(Self.tcp(host: host, port: address?.port ?? port))"
        case .unix: description
        }
    }

    /// Whether a program answers on the socket. One that a killed server left behind refuses, and is replaced.
    private static func isInUse(_ path: String) async -> Bool {
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: path).get()
            try await channel.close()
            return true
        } catch {
            return false  // nobody answers; what else is wrong with the path is told when it is bound
        }
    }
}
