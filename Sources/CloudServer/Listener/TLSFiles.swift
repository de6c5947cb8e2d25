import CloudCore
import FoundationEssentials
import NIOSSL

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where certificate and key are.
public struct TLSFiles: Sendable, Equatable {
    /// Path of a PEM file: the server's certificate first, those of its issuers after it.
    public var certificate: String
    /// Path of a PEM file with the private key, without a passphrase.
    public var key: String

    public init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }

    /// Changes when one of the files does; `nil` while one is missing.
    var stamp: String? {
        let parts = [certificate, key].map { path -> String? in
            // Missing: between two steps of a renewal, or for good, which reading it tells.
            guard let facts = try? FileManager.default.attributesOfItem(atPath: resolved(path)) else {
                return nil
            }
            let wanted: [FileAttributeKey] = [.modificationDate, .size, .systemFileNumber]
            return wanted.map { "\(facts[$0] ?? "")" }.joined(separator: " ")
        }
        return parts.contains(nil) ? nil : parts.compactMap { $0 }.joined(separator: ", ")
    }

    /// The certificates, at least one.
    func chain() throws(CloudError) -> [NIOSSLCertificate] {
        let bytes = try read("tlsCertificate", certificate)
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMBytes(bytes)
        } catch {
            throw unusable(
                "tlsCertificate", certificate, "holds no certificate in PEM",
                "Give the file with BEGIN CERTIFICATE", detail: "\(error)")
        }
        guard !chain.isEmpty else {
            throw unusable(
                "tlsCertificate", certificate, "holds no certificate", "Give the file with BEGIN CERTIFICATE")
        }
        return chain
    }

    func privateKey() throws(CloudError) -> NIOSSLPrivateKey {
        let bytes = try read("tlsKey", key)
        do {
            return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
        } catch {
            throw unusable(
                "tlsKey", key, "holds no private key in PEM without a passphrase",
                "Give the file with BEGIN PRIVATE KEY", detail: "\(error)")
        }
    }

    /// Who besides its owner and group may read the key, or besides its owner change it; `nil` when nobody may.
    var keyWarning: String? {
        var facts = stat()
        // Safe: stat(2) follows links and fills the value that is ours. Missing between two steps of a renewal: it is looked
        // at again with the next certificate.
        guard stat(key, &facts) == 0, facts.st_mode & Self.openToOthers != 0 else { return nil }
        return
            "The key of the TLS certificate is open to other users of this machine. Run 'chmod 600 \(key)', or 640 "
            + "for a group of the server's own."
    }

    /// Mode bits: others read, write or run; the group writes.
    private static let openToOthers: mode_t = 0o027

    func unusable(
        _ setting: String, _ path: String, _ what: String, _ remedy: String, detail: String? = nil
    ) -> CloudError {
        var error = CloudError.invalid([
            Problem(setting, "\(path) \(what). \(remedy), or leave tlsCertificate and tlsKey out.")
        ])
        error.detail = detail
        return error
    }

    private func read(_ setting: String, _ path: String) throws(CloudError) -> [UInt8] {
        do {
            return [UInt8](try Data(contentsOf: URL(filePath: path)))
        } catch {
            throw unusable(
                setting, path, "can't be read", "Check the path, and that the server's user may read it",
                detail: "\(error)")
        }
    }

    /// What a link leads to: renewals often swap the link alone.
    private func resolved(_ path: String) -> String { URL(filePath: path).resolvingSymlinksInPath().path }
}
