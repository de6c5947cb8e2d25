import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a host connects to for a team: public addresses alone, since everything else is the operator's (the host itself, its
/// networks, other teams' computes by their private addresses).
struct AddressPolicy: Sendable {
    /// Blocks that are allowed although they are not public.
    var allowed: [IPv4Network] = []
    /// The addresses of a host, as the system finds them.
    var resolve: @Sendable (_ host: String) async throws -> [String] = Self.lookUp
    /// This host's own addresses.
    var own: @Sendable () -> Set<NetworkAddress> = NetworkAddress.ofThisHost

    private static let lookUpSeconds = 15
    /// The most addresses of a host that are looked at.
    private static let maxAddresses = 64
    /// The longest address that is read, in bytes.
    private static let maxURLBytes = 4096

    /// The way to an address that a team has named, or that it was redirected to: at one of its host's addresses, all of which
    /// are allowed. Throws `UNPROCESSABLE_ENTITY` when one is not.
    func way(to url: String) async throws -> WebRoute.Way {
        let (canonical, host) = try Self.read(url)
        let texts = try await resolve(host)
        guard !texts.isEmpty else { throw Self.unknown(host) }
        guard texts.count <= Self.maxAddresses else { throw Self.refused(host, "too many addresses") }
        let local = own()
        for text in texts {
            guard let address = NetworkAddress(text), allows(address, local) else {
                throw Self.refused(host, text)
            }
        }
        // A host often has no IPv6.
        let address = texts.first { !$0.contains(":") } ?? texts[0]
        return WebRoute.Way(url: canonical, kind: .pinned(host: host, address: address))
    }

    private func allows(_ address: NetworkAddress, _ local: Set<NetworkAddress>) -> Bool {
        if let ipv4 = address.ipv4, allowed.contains(where: { $0.contains(ipv4) }) { return true }
        return address.isPublic && !local.contains(address)
    }

    /// The address in a form that has one reading, and its host.
    private static func read(_ url: String) throws(CloudError) -> (url: String, host: String) {
        guard url.utf8.count <= maxURLBytes, let parts = URLComponents(string: url),
            let scheme = parts.scheme?.lowercased(), ["http", "https"].contains(scheme),
            let host = parts.host?.lowercased(), !host.isEmpty
        else { throw wrong(url, "is not an address of the web") }
        guard parts.user == nil, parts.password == nil else { throw wrong(url, "names a user") }
        let bare = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        guard bare.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || ".-:_".contains($0)) }),
            !bare.hasPrefix("-"), parts.port.map((1...65535).contains) ?? true
        else { throw wrong(url, "has a host that can't be read") }
        let authority = (bare.contains(":") ? "[\(bare)]" : bare) + (parts.port.map { ":\($0)" } ?? "")
        let query = parts.percentEncodedQuery.map { "?\($0)" } ?? ""
        let path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
        return ("\(scheme)://\(authority)\(path)\(query)", bare)
    }

    /// By a program, since the C library's function can't be given up once it was called.
    private static func lookUp(_ host: String) async throws -> [String] {
        let output: String
        do {
            output = try await Command("getent", ["ahosts", "--", host], timeoutSeconds: lookUpSeconds).run()
                .standardOutput
        } catch let error as CloudError where error.code == .internalServerError {
            throw unknown(host)
        }
        var addresses: [String] = []
        for line in output.split(whereSeparator: \.isNewline) {
            guard let word = line.split(separator: " ").first.map(String.init), !addresses.contains(word)
            else { continue }
            addresses.append(word)
        }
        return addresses
    }

    private static func unknown(_ host: String) -> CloudError {
        CloudError(.unprocessableEntity, "There is no server '\(host.shown)'. Correct the address.")
    }

    /// The owner is not told the address, which may be of the operator's network.
    private static func refused(_ host: String, _ address: String) -> CloudError {
        CloudError(
            .unprocessableEntity,
            "'\(host.shown)' is not a server with public addresses alone. Name one on the internet, or upload the file.",
            detail: address)
    }

    private static func wrong(_ url: String, _ why: String) -> CloudError {
        CloudError(
            .unprocessableEntity,
            "'\(WebRoute.shown(url).shown)' \(why). Give one such as https://example.com/disk.qcow2.")
    }
}
