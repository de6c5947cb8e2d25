import CloudCore

/// The authority of one host, in its data folder: it signs what this host's machines identify themselves with in moves. Its
/// key is our own user's alone and never leaves the host; its certificate is public, and peers trust it for one move.
struct MoveTrust: Sendable {
    /// `<data>/trust`.
    var folder: String

    var key: String { "\(folder)/ca.key" }
    var certificate: String { "\(folder)/ca.pem" }

    /// Seconds that another program may take to make it.
    private static let lockSeconds = 30
    /// The longest certificate that is taken, in bytes; ours have 600.
    static let certificateLimit = 16 << 10

    /// The certificate in PEM; makes key and certificate if there are none. After a crash at any point there are both, or
    /// they are made anew, since the certificate comes last.
    func text() async throws -> String {
        if let known = MachineFiles.text(certificate, limit: Self.certificateLimit) { return known }
        try await MachineFiles.makeFolder(folder, as: nil)
        let lock = try await FileLock.acquire("\(folder)/lock", timeoutSeconds: Self.lockSeconds) {}
        defer { withExtendedLifetime(lock) {} }
        if let known = MachineFiles.text(certificate, limit: Self.certificateLimit) { return known }
        try await Command("openssl", Self.arguments(folder), input: Self.configuration).run(as: .makeTrust)
        try await MachineFiles.publish("\(key).new", to: key, as: .publishTrust)
        try await MachineFiles.publish("\(certificate).new", to: certificate, as: .publishTrust)
        guard let made = MachineFiles.text(certificate, limit: Self.certificateLimit) else {
            throw CloudError.bug("\(certificate) is not there after it was made")
        }
        return made
    }

    /// A hundred years: there is nobody to renew it, and a peer that is not trusted any more is told to no host.
    private static let days = "36500"

    private static func arguments(_ folder: String) -> [String] {
        [
            "req", "-x509", "-config", "/dev/stdin", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-noenc", "-keyout", "\(folder)/ca.key.new", "-out",
            "\(folder)/ca.pem.new",
            "-days", days,
        ]
    }

    /// QEMU wants an authority to be one: basic constraints and key usage, both critical (RFC 5280, 4.2.1.3 and 4.2.1.9).
    private static let configuration = """
        [req]
        prompt = no
        distinguished_name = name
        x509_extensions = authority
        [name]
        CN = strettch host
        [authority]
        basicConstraints = critical, CA:TRUE, pathlen:0
        keyUsage = critical, keyCertSign
        subjectKeyIdentifier = hash

        """
}
