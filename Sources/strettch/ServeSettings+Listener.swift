import CloudCore
import CloudServer

/// How the log is written.
enum LogFormat: String, Sendable, CaseIterable {
    /// For people.
    case text
    /// One JSON object a line, for machines.
    case json
}

extension ServeSettings {
    /// How the listener is bound and bounded. Reads the certificate; throws `VALIDATION_ERROR` when it can't be used.
    func listener() throws -> CloudListener.Settings {
        CloudListener.Settings(
            listen: listen, limits: ListenerLimits(connections: maxConnections),
            identity: try tls.map { try TLSIdentity(files: $0) }, proxies: trustedProxies,
            crossOrigin: crossOrigin)
    }

    static func listen(_ name: String, _ text: String) throws -> CloudServer.Listen {
        if let listen = CloudServer.Listen(text) { return listen }
        throw SettingReader.invalid(
            name, text,
            "ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080, unix:PATH, 0.0.0.0:8080 for every IPv4 address or "
                + "[::]:8080 for every address")
    }

    static func proxies(_ text: String) throws -> TrustedProxies {
        if let proxies = TrustedProxies(text) { return proxies }
        throw SettingReader.invalid(
            "trustedProxies", text,
            "comma-separated addresses and CIDR blocks without bits beyond the prefix, such as 10.0.0.0/8,fd00::/8, and "
                + "unix for a unix socket")
    }

    /// `nil` when it is not set.
    static func crossOrigin(_ text: String) throws -> CrossOrigin? {
        guard !text.isEmpty else { return nil }
        if let crossOrigin = CrossOrigin(text) { return crossOrigin }
        throw SettingReader.invalid(
            "corsOrigins", text,
            "comma-separated origins as browsers send them, such as https://console.example, or * for every origin"
        )
    }

    /// Both or neither.
    static func tls(certificate: String, key: String) throws -> TLSFiles? {
        switch (certificate.isEmpty, key.isEmpty) {
        case (true, true): return nil
        case (false, false): return TLSFiles(certificate: certificate, key: key)
        case (let noCertificate, _):
            let missing = noCertificate ? "tlsCertificate" : "tlsKey"
            let given = noCertificate ? "tlsKey" : "tlsCertificate"
            throw CloudError.invalid([
                Problem(missing, "is missing beside \(given). Give both, or neither for no TLS.")
            ])
        }
    }

    static func metrics(_ text: String) throws -> CloudServer.Listen? {
        guard !text.isEmpty else { return nil }
        let address = try listen("metrics", text)
        guard address.isLocal else {
            throw SettingReader.invalid(
                "metrics", text,
                "an address of this machine alone, such as 127.0.0.1:9464 or unix:PATH, since the figures tell of all "
                    + "teams and nobody is asked for a key")
        }
        return address
    }

    static func logFormat(_ text: String) throws -> LogFormat {
        guard let format = LogFormat(rawValue: text) else {
            throw SettingReader.invalid("logFormat", text, "text or json")
        }
        return format
    }
}
