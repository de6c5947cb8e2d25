import CloudMachines
import CloudTesting
import Crypto
import Foundation
import NIOSSL
import Testing

@testable import CloudLink

@Suite("The certificate of a program")
struct LinkCertificateTests {
    @Test(
        "numbers are never negative, and as short as may be",
        arguments: [
            ([], [2, 1, 0]), ([0], [2, 1, 0]), ([0, 0, 1], [2, 1, 1]), ([0x7F], [2, 1, 0x7F]),
            ([0x80], [2, 2, 0, 0x80]), ([1, 0], [2, 2, 1, 0]),
        ] as [([UInt8], [UInt8])])
    func integers(_ number: [UInt8], _ written: [UInt8]) { #expect(DER.integer(number) == written) }

    @Test("a length has one byte up to 127, and says else how many bytes it has")
    func lengths() {
        func head(_ count: Int) -> [UInt8] {
            Array(DER.text(String(repeating: "a", count: count)).dropLast(count))
        }
        #expect(head(0) == [0x0C, 0])
        #expect(head(127) == [0x0C, 127])
        #expect(head(128) == [0x0C, 0x81, 128])
        #expect(head(300) == [0x0C, 0x82, 1, 44])
    }

    @Test("it is a certificate as others read them: of its own key, signed by it, and for ever")
    func readable() throws {
        let key = P256.Signing.PrivateKey()
        let made = try LinkCertificate(key)
        let read = try NIOSSLCertificate(bytes: made.der, format: .der)
        #expect(try read.toDERBytes() == made.der)
        #expect(try read.extractPublicKey().toSPKIBytes() == Array(key.publicKey.derRepresentation))
        #expect(read.notValidBefore == 1_577_836_800)  // 2020-01-01
        #expect(LinkIdentity.fingerprint(of: [read]) == LinkCertificate.fingerprint(made.der))
        #expect(LinkIdentity.fingerprint(of: []) == nil)
        #expect(LinkIdentity.fingerprint(of: [read, read]) == nil, "a chain is none of ours")
    }

    @Test("OpenSSL reads it, and finds its signature good")
    func openssl() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/certificate"
            let der = try LinkCertificate(P256.Signing.PrivateKey()).der
            let pem = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
            try "-----BEGIN CERTIFICATE-----\n\(pem)\n-----END CERTIFICATE-----\n".write(
                toFile: path, atomically: true, encoding: .utf8)
            let said = try await Command("openssl", ["verify", "-check_ss_sig", "-CAfile", path, path]).run()
            #expect(said.standardOutput == "\(path): OK\n")
        }
    }

    @Test("each run of a program has another")
    func fresh() throws {
        let (first, second) = (try LinkIdentity(), try LinkIdentity())
        #expect(first.fingerprint != second.fingerprint)
        #expect(first.fingerprint.wholeMatch(of: /[0-9a-f]{64}/) != nil)
    }
}
