import CloudCore
import CloudWire
import FoundationEssentials
import NIOSSL
import Synchronization

/// The certificate and key that the server shows, read from two PEM files and replaced while it runs.
public final class TLSIdentity: Sendable {
    private let files: TLSFiles
    private let clock: any CloudClock
    private let loaded: Mutex<Loaded>

    private struct Loaded {
        var context: NIOSSLContext
        var expiresAtMs: Int64
        /// The files as they were when they were last read, whether they could be used or not.
        var stamp: String?
    }

    /// Reads the files. Throws `VALIDATION_ERROR` with the remedy when they can't be used: unreadable, no PEM, not one
    /// another's, or expired.
    public init(files: TLSFiles, clock: any CloudClock = SystemClock()) throws(CloudError) {
        self.files = files
        self.clock = clock
        let stamp = files.stamp
        loaded = Mutex(try Self.load(files, stamp, nowMs: clock.nowMs))
    }

    /// Milliseconds since 1970 at which the certificate in use ends.
    public var expiresAtMs: Int64 { loaded.withLock { $0.expiresAtMs } }

    /// What the log warns of; `nil` when all is well.
    var warning: String? { files.keyWarning }

    var context: NIOSSLContext { loaded.withLock { $0.context } }

    /// Reads the files anew if they have changed since they were last read; connections from now on get the new
    /// certificate. Returns whether they do. Throws as the initializer does, once for each change; the certificate in use
    /// stays then.
    func reload() throws(CloudError) -> Bool {
        let stamp = files.stamp
        let isNew = loaded.withLock { loaded in
            defer { loaded.stamp = stamp }
            return loaded.stamp != stamp
        }
        guard isNew else { return false }
        let new = try Self.load(files, stamp, nowMs: clock.nowMs)
        loaded.withLock { $0 = new }
        return true
    }

    /// Of TLS 1.2, those with forward secrecy and authenticated encryption (RFC 9325, section 4.2); TLS 1.3 has no others.
    private static let ciphers: [NIOTLSCipher] = [
        .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ]

    private static func load(
        _ files: TLSFiles, _ stamp: String?, nowMs: Int64
    ) throws(CloudError) -> Loaded {
        let chain = try files.chain()
        let expiresAtMs = Int64(chain[0].notValidAfter) * 1000
        guard nowMs < expiresAtMs else {
            throw files.unusable(
                "tlsCertificate", files.certificate, "expired at \(Timestamp.text(expiresAtMs))",
                "Renew it")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(try files.privateKey()))
        // RFC 9113, section 9.2, and RFC 8996: nothing older than 1.2.
        configuration.minimumTLSVersion = .tlsv12
        configuration.cipherSuiteValues = ciphers
        configuration.applicationProtocols = ServerChannel.protocols
        do {
            return Loaded(
                context: try NIOSSLContext(configuration: configuration), expiresAtMs: expiresAtMs,
                stamp: stamp)
        } catch {
            throw files.unusable(
                "tlsKey", files.key, "does not belong to the certificate \(files.certificate)",
                "Give the key that the certificate was made for", detail: "\(error)")
        }
    }
}
