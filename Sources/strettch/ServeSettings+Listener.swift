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
        var limits = ListenerLimits()
        limits.connections = maxConnections
        return CloudListener.Settings(
            listen: listen, limits: limits, identity: try tls.map { try TLSIdentity(files: $0) })
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
