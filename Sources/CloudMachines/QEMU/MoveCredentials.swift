import CloudCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What one machine's QEMU identifies itself with in one move, and whom it trusts: a `tls-creds-x509` folder. It is made
/// for the moment in which QEMU reads it, valid for a day, and good for this machine alone: each side wants the other to
/// bear the machine's name.
struct MoveCredentials {
    /// Which side of the connections the machine is.
    enum Endpoint: String { case client, server }

    var trust: MoveTrust
    var endpoint: Endpoint
    var computeId: Int64
    /// The only authority that is trusted, in PEM.
    var peer: String
    /// Where it is for a moment.
    var folder: String
    /// The group of the machine's QEMU, when it is not our own.
    var gid: UInt32?

    /// What both sides of a machine's move are called.
    static func name(_ computeId: Int64) -> String { "compute-\(computeId)" }

    /// Lets `use` read the folder, which is gone afterwards.
    func with(_ use: () async throws -> Void) async throws {
        try await drop()
        do {
            try await make()
            try await share()
            try await use()
        } catch {
            try await drop()
            throw error
        }
        try await drop()
    }

    private func drop() async throws {
        try await HostEffect.dropCredentials.make { try HostFiles.remove(folder) }
    }

    private func make() async throws {
        guard peer.utf8.count <= MoveTrust.certificateLimit else {
            throw CloudError(
                .unprocessableEntity,
                "The other host's certificate has \(peer.utf8.count) bytes; at most \(MoveTrust.certificateLimit) "
                    + "are taken. Let that host register again.")
        }
        _ = try await trust.text()
        try await MachineFiles.makeFolder(folder, as: .makeCredentials)
        try await MachineFiles.write(peer.utf8, to: "\(folder)/ca-cert.pem", as: .makeCredentials)
        try await MachineFiles.write("".utf8, to: "\(folder)/index.txt", as: .makeCredentials)
        try await Command("openssl", request, input: configuration).run(as: .makeCredentials)
        try await Command("openssl", signature, input: configuration).run(as: .makeCredentials)
    }

    /// Lets the machine's own group read the folder, and nobody else.
    private func share() async throws {
        guard let gid else { return }
        let names = ["ca-cert.pem", "\(endpoint.rawValue)-cert.pem", "\(endpoint.rawValue)-key.pem"]
        try await HostEffect.shareCredentials.make {
            for path in names.map({ "\(folder)/\($0)" }) { try Self.share(path, with: gid, mode: 0o640) }
            try Self.share(folder, with: gid, mode: 0o750)
        }
    }

    private static func share(_ path: String, with gid: UInt32, mode: mode_t) throws(CloudError) {
        // Safe: the path is a C string for the calls' duration; -1 leaves the owner as it is (chown(2)).
        guard chown(path, uid_t.max, gid) == 0, chmod(path, mode) == 0 else {
            throw CloudError(
                .internalServerError, "The host could not give a machine its keys for a move.",
                detail: "chown or chmod of \(path): errno \(errno)")
        }
    }

    private var request: [String] {
        [
            "req", "-new", "-config", "/dev/stdin", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-noenc", "-keyout", "\(folder)/\(endpoint.rawValue)-key.pem", "-out", "\(folder)/request",
        ]
    }

    /// Valid since long ago, since the other host's clock may be behind ours.
    private var signature: [String] {
        [
            "ca", "-batch", "-notext", "-config", "/dev/stdin", "-in", "\(folder)/request", "-out",
            "\(folder)/\(endpoint.rawValue)-cert.pem", "-startdate", "20200101000000Z", "-days", "1",
        ]
    }

    private var configuration: String {
        """
        [req]
        prompt = no
        distinguished_name = name
        [name]
        CN = \(Self.name(computeId))
        [ca]
        default_ca = host
        [host]
        database = \(folder)/index.txt
        new_certs_dir = \(folder)
        certificate = \(trust.certificate)
        private_key = \(trust.key)
        default_md = sha256
        policy = names
        x509_extensions = machine
        unique_subject = no
        rand_serial = yes
        [names]
        commonName = supplied
        [machine]
        basicConstraints = critical, CA:FALSE
        keyUsage = critical, digitalSignature
        extendedKeyUsage = \(endpoint.rawValue)Auth
        subjectAltName = DNS:\(Self.name(computeId))

        """
    }
}
