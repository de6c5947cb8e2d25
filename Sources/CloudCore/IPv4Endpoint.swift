/// Where a TCP server listens: an IPv4 address and a port.
public struct IPv4Endpoint: Sendable, Hashable, CustomStringConvertible {
    public var address: IPv4Address
    /// 1 to 65535.
    public var port: Int

    public init(address: IPv4Address, port: Int) {
        self.address = address
        self.port = port
    }

    /// Where the guests of any cloud ask for their metadata, by convention.
    public static let wellKnownMetadata = IPv4Endpoint(address: IPv4Address(0xA9FE_A9FE), port: 80)

    /// Reads `169.254.83.84:8775`; `nil` for anything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPv4Address(parts[0]), let port = Int(parts[1]),
            String(port) == parts[1], (1...65535).contains(port)
        else { return nil }
        self.init(address: address, port: port)
    }

    public var description: String { "\(address):\(port)" }
}
