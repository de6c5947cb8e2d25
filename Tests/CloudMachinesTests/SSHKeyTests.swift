import CloudCore
import Foundation
import Testing

@testable import CloudMachines

@Suite("Public keys, read by OpenSSH")
struct SSHKeyTests {
    private typealias Fields = [[UInt8]]

    private static func line(_ type: String, _ fields: Fields, trailing: [UInt8] = []) -> String {
        let bytes = ([Array(type.utf8)] + fields).flatMap { field in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: field.count >> $0) } + field
        }
        return "\(type) \(Data(bytes + trailing).base64EncodedString())"
    }

    /// A number of so many bits.
    private static func number(_ bits: Int) -> [UInt8] {
        let digits = [UInt8(1 << ((bits - 1) % 8))] + [UInt8](repeating: 0x5B, count: (bits - 1) / 8)
        return digits[0] >= 0x80 ? [0] + digits : digits
    }

    private static func rsa(_ bits: Int, exponent: [UInt8] = [1, 0, 1], trailing: [UInt8] = []) -> String {
        line("ssh-rsa", [exponent, number(bits)], trailing: trailing)
    }

    /// The fields of a key that `ssh-keygen` makes, behind its type.
    private func made(_ options: [String], _ folder: String) async throws -> (type: String, Fields) {
        let path = "\(folder)/key"
        try await Command("ssh-keygen", ["-q", "-N", "", "-f", path] + options).run()
        let words = try #require(MachineFiles.text("\(path).pub", limit: 8192)).split(separator: " ")
        try await Command("rm", [path, "\(path).pub"]).run()
        var rest = try #require(Data(base64Encoded: String(words[1]))).map(\.self)[...]
        var fields: Fields = []
        while !rest.isEmpty {
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            fields.append(Array(rest.dropFirst(4).prefix(length)))
            rest = rest.dropFirst(4 + length)
        }
        return (String(words[0]), Array(fields.dropFirst()))
    }

    private func candidates(_ folder: String) async throws -> [String] {
        let (ed25519, edFields) = try await made(["-t", "ed25519"], folder)
        let key = edFields[0]
        let application = Array("ssh:".utf8)
        var lines = [
            Self.line(ed25519, [key]), Self.line(ed25519, [Array(key.dropLast())]),
            Self.line(ed25519, [key + [0]]),
            Self.line(ed25519, [[]]), Self.line(ed25519, []), Self.line(ed25519, [key], trailing: [0]),
            Self.line(ed25519, [key, key]), Self.line(ed25519, [key], trailing: [0, 0, 0, 0]),
            Self.line("ssh-rsa", [key]), "ssh-rsa " + Self.line(ed25519, [key]).split(separator: " ")[1],
            Self.line("sk-ssh-ed25519@openssh.com", [key, application]),
            Self.line("sk-ssh-ed25519@openssh.com", [key, []]),
            Self.line("sk-ssh-ed25519@openssh.com", [key]),
            Self.line("sk-ssh-ed25519@openssh.com", [Array(key.dropLast()), application]),
        ]
        lines += [512, 768, 1023, 1024, 1025, 2048, 4096, 16384, 16385].map { Self.rsa($0) }
        lines += [
            Self.rsa(2048, trailing: [1]), Self.rsa(2048, exponent: [3]),
            Self.line("ssh-rsa", [[1, 0, 1], [0x80] + Self.number(2048)]),
            Self.line("ssh-rsa", [[0x81], Self.number(2048)]),
            Self.line("ssh-rsa", [[1, 0, 1], [0, 0] + Self.number(2048)]),
            Self.line("ssh-rsa", [Self.number(2048), [1, 0, 1]]),
        ]
        for bits in [256, 384, 521] {
            let (type, fields) = try await made(["-t", "ecdsa", "-b", "\(bits)"], folder)
            let (curve, point) = (fields[0], fields[1])
            let half = (point.count - 1) / 2
            let compressed = [2 + point[point.count - 1] % 2] + point[1...half]
            let off = point.dropLast() + [point[point.count - 1] ^ 1]
            for other in [point, Array(point.dropLast()), point + [0], compressed, Array(off), [0], [], [4]] {
                lines.append(Self.line(type, [curve, other]))
                if bits == 256 {
                    lines.append(Self.line("sk-\(type)@openssh.com", [curve, other, application]))
                }
            }
            lines += [
                Self.line(type, [Array("nistp128".utf8), point]),
                Self.line(type, [curve, point], trailing: [7]),
            ]
        }
        return lines
    }

    @Test("a key draws the warning exactly when OpenSSH can't read it")
    func table() async throws {
        try await QEMUFixture.withFolder { folder in
            let path = "\(folder)/candidate"
            var taken = 0
            for line in try await candidates(folder) {
                try Data("\(line) comment\n".utf8).write(to: URL(fileURLWithPath: path))
                // It says no.
                let isRead = (try? await Command("ssh-keygen", ["-l", "-f", path]).run()) != nil
                let verdict = SSHPublicKey.check("\(line) comment")
                #expect((verdict == .valid) == isRead, "\(line): \(verdict)")
                if isRead { taken += 1 }
                if !isRead, case .unusable(let why) = verdict { #expect(why.contains("nobody can log in")) }
            }
            #expect(taken >= 14)
        }
    }

    @Test("an RSA key that OpenSSH reads, and that protects nothing, draws a warning")
    func weakRSA() {
        let odd = Self.number(2048)
        let even = Array(odd.dropLast()) + [0x5A]
        let weak: [(exponent: [UInt8], modulus: [UInt8], what: String)] = [
            ([], odd, "exponent"), ([0], odd, "exponent"), ([1], odd, "exponent"), ([0, 1], odd, "exponent"),
            ([2], odd, "exponent"), ([1, 0, 0], odd, "exponent"), ([1, 0, 1], even, "modulus"),
        ]
        for (exponent, modulus, what) in weak {
            let verdict = SSHPublicKey.check(Self.line("ssh-rsa", [exponent, modulus]))
            guard case .unusable(let why) = verdict else {
                Issue.record("\(exponent): \(verdict)")
                continue
            }
            #expect(why.contains(what) && why.contains("protects nothing"), "\(exponent): \(why)")
        }
        for exponent: [UInt8] in [[3], [0, 3], [17], [1, 0, 1]] {
            #expect(SSHPublicKey.check(Self.line("ssh-rsa", [exponent, odd])) == .valid, "\(exponent)")
        }
    }

    @Test("base64 is read as OpenSSH reads it")
    func base64() async throws {
        try await QEMUFixture.withFolder { folder in
            let path = "\(folder)/candidate"
            let (type, fields) = try await made(["-t", "ecdsa", "-b", "256"], folder)
            let words = Self.line(type, fields).split(separator: " ").map(String.init)
            let blob = words[1]
            for other in [
                blob, String(blob.dropLast()), blob + "=", blob + "A", blob + "AAAA",
                "\(blob.prefix(40))-\(blob.dropFirst(40))",
                "\(blob.prefix(40)) \(blob.dropFirst(40))", "\(blob.prefix(40))*\(blob.dropFirst(41))",
            ] {
                try Data("\(type) \(other)\n".utf8).write(to: URL(fileURLWithPath: path))
                // It says no.
                let isRead = (try? await Command("ssh-keygen", ["-l", "-f", path]).run()) != nil
                #expect((SSHPublicKey.check("\(type) \(other)") == .valid) == isRead, "\(other)")
            }
        }
    }
}
