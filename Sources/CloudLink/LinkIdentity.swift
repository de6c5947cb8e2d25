import Crypto
import NIOCore
import NIOSSL

/// What a program shows to others of its cell: a key and a certificate, made anew for each run. Both are in memory alone, so
/// there is nothing to steal from a disk, a copy of a data folder or a backup, and nothing to renew.
public struct LinkIdentity: Sendable {
    /// By which others know it, once the database has it.
    public let fingerprint: String
    let serverContext: NIOSSLContext
    let clientContext: NIOSSLContext

    /// What both sides must agree on (RFC 7301). Another number is another protocol.
    static let protocolName = "strettch-link/1"
    /// How long a side waits for the other's word that the connection ends.
    private static let farewell = TimeAmount.seconds(1)

    /// Throws what the cryptographic library throws.
    public init() throws {
        let key = P256.Signing.PrivateKey()
        let certificate = try LinkCertificate(key)
        fingerprint = LinkCertificate.fingerprint(certificate.der)
        let shown = [
            NIOSSLCertificateSource.certificate(try NIOSSLCertificate(bytes: certificate.der, format: .der))
        ]
        let secret = NIOSSLPrivateKeySource.privateKey(
            try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem))
        serverContext = try NIOSSLContext(
            configuration: Self.strict(.makeServerConfiguration(certificateChain: shown, privateKey: secret)))
        var client = TLSConfiguration.makeClientConfiguration()
        client.certificateChain = shown
        client.privateKey = secret
        clientContext = try NIOSSLContext(configuration: Self.strict(client))
    }

    /// TLS 1.3 alone, a certificate from both sides, and no authority that is trusted: each side decides by the other's
    /// certificate itself.
    private static func strict(_ configuration: TLSConfiguration) -> TLSConfiguration {
        var strict = configuration
        strict.minimumTLSVersion = .tlsv13
        strict.certificateVerification = .noHostnameVerification
        strict.trustRoots = .certificates([])
        strict.applicationProtocols = [protocolName]
        strict.shutdownTimeout = farewell
        return strict
    }

    /// The fingerprint of what the other side has shown; `nil`: nothing, or more than our programs show.
    static func fingerprint(of certificates: [NIOSSLCertificate]) -> String? {
        guard certificates.count == 1 else { return nil }
        // What can't be written as DER is none of ours.
        return (try? certificates[0].toDERBytes()).map(LinkCertificate.fingerprint)
    }
}
