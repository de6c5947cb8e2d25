import Crypto

/// A certificate of a program's own making, signed by its own key. It carries the key and says nothing: who accepts it does so
/// by its fingerprint alone, so it names nobody, has no extensions, and does not expire by itself.
struct LinkCertificate {
    /// In DER (RFC 5280, section 4.1).
    let der: [UInt8]

    init(_ key: P256.Signing.PrivateKey) throws {
        let body = DER.sequence([
            DER.integer(Array(SHA256.hash(data: key.publicKey.derRepresentation).prefix(Self.serialBytes))),
            Self.algorithm, Self.name, Self.validity, Self.name, Array(key.publicKey.derRepresentation),
        ])
        let signature = try key.signature(for: body).derRepresentation
        der = DER.sequence([body, Self.algorithm, DER.bits(Array(signature))])
    }

    /// SHA-256 of a certificate in DER, 64 hexadecimal digits.
    static func fingerprint(_ der: [UInt8]) -> String {
        SHA256.hash(data: der).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// At most 20 are allowed (RFC 5280, section 4.1.2.2).
    private static let serialBytes = 16

    /// ecdsa-with-SHA256, 1.2.840.10045.4.3.2 (RFC 5758, section 3.2).
    private static let algorithm = DER.sequence([
        DER.identifier([0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02])
    ])

    /// A common name, 2.5.4.3 (RFC 5280, appendix A.1).
    private static let name = DER.sequence([
        DER.set([DER.sequence([DER.identifier([0x55, 0x04, 0x03]), DER.text("strettch")])])
    ])

    /// From before any clock of a host to what stands for no end (RFC 5280, section 4.1.2.5).
    private static let validity = DER.sequence([
        DER.shortTime("200101000000Z"), DER.longTime("99991231235959Z"),
    ])
}
