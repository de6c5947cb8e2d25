import Crypto

/// The types of keys that OpenSSH lets in by default, and what it wants of each (RFC 4253, RFC 5656, RFC 8709, OpenSSH's
/// PROTOCOL.u2f and sshkey.c).
enum SSHKeyType: String {
    case rsa = "ssh-rsa"
    case ed25519 = "ssh-ed25519"
    case nistp256 = "ecdsa-sha2-nistp256"
    case nistp384 = "ecdsa-sha2-nistp384"
    case nistp521 = "ecdsa-sha2-nistp521"
    case securityKeyEd25519 = "sk-ssh-ed25519@openssh.com"
    case securityKeyNistp256 = "sk-ecdsa-sha2-nistp256@openssh.com"

    /// OpenSSH's `SSH_RSA_MINIMUM_MODULUS_SIZE`, and the largest number that it reads, in bits.
    static let rsaBits = 1024...16384
    /// Of Ed25519 (RFC 8032, section 5.1.5).
    static let ed25519Length = 32

    /// Why a key with this wire format is of no use, in words that follow "publicKeys[0]"; `nil`: it is.
    func problem(of bytes: [UInt8]) -> String? {
        if let problem = formProblem(of: bytes) { return "\(problem), so nobody can log in with it" }
        guard self == .rsa, let fields = Self.fields(of: bytes) else { return nil }
        return Self.rsaWeakness(exponent: fields[1], modulus: fields[2])
    }

    /// Why sshd does not read it.
    private func formProblem(of bytes: [UInt8]) -> String? {
        let notWhole = "is not a whole \(rawValue) key"
        guard let fields = Self.fields(of: bytes), fields.first?.elementsEqual(rawValue.utf8) == true,
            fields.count == fieldCount
        else { return notWhole }
        switch self {
        case .rsa: return Self.rsaProblem(exponent: fields[1], modulus: fields[2])
        case .ed25519, .securityKeyEd25519:
            return fields[1].count == Self.ed25519Length
                ? nil : "has an Ed25519 key of \(fields[1].count) bytes in place of \(Self.ed25519Length)"
        case .nistp256, .nistp384, .nistp521, .securityKeyNistp256:
            guard fields[1].elementsEqual(curve.utf8) else { return notWhole }
            return isPoint(fields[2]) ? nil : "has no point of the curve \(curve), or not in 04 x y"
        }
    }

    /// The type's name among them.
    private var fieldCount: Int {
        switch self {
        case .ed25519: 2
        case .rsa, .nistp256, .nistp384, .nistp521, .securityKeyEd25519: 3
        case .securityKeyNistp256: 4
        }
    }

    private var curve: String {
        switch self {
        case .rsa, .ed25519, .securityKeyEd25519: ""
        case .nistp256, .securityKeyNistp256: "nistp256"
        case .nistp384: "nistp384"
        case .nistp521: "nistp521"
        }
    }

    /// Whether it is on the curve, and uncompressed (RFC 5656, section 3.1; OpenSSH reads no other form).
    private func isPoint(_ bytes: ArraySlice<UInt8>) -> Bool {
        do {
            switch self {
            case .rsa, .ed25519, .securityKeyEd25519: return false
            case .nistp256, .securityKeyNistp256:
                _ = try P256.Signing.PublicKey(x963Representation: bytes)
            case .nistp384: _ = try P384.Signing.PublicKey(x963Representation: bytes)
            case .nistp521: _ = try P521.Signing.PublicKey(x963Representation: bytes)
            }
            return true
        } catch {
            return false
        }
    }

    private static func rsaProblem(exponent: ArraySlice<UInt8>, modulus: ArraySlice<UInt8>) -> String? {
        guard let exponentBits = bits(exponent), let bits = bits(modulus), exponentBits <= rsaBits.upperBound
        else { return "is an RSA key with a negative number" }
        guard rsaBits.contains(bits) else {
            return
                "is an RSA key of \(bits) bits, and OpenSSH takes \(rsaBits.lowerBound) to \(rsaBits.upperBound)"
        }
        return nil
    }

    /// What `ssh-keygen` never makes (FIPS 186-5, section A.1.1), and sshd reads all the same: with an exponent of 1, anybody
    /// can sign.
    private static func rsaWeakness(exponent: ArraySlice<UInt8>, modulus: ArraySlice<UInt8>) -> String? {
        guard isOdd(exponent), (bits(exponent) ?? 0) > 1 else {
            return "is an RSA key whose exponent is even or less than 3, so it protects nothing"
        }
        return isOdd(modulus) ? nil : "is an RSA key whose modulus is even, so it protects nothing"
    }

    private static func isOdd(_ number: ArraySlice<UInt8>) -> Bool { (number.last ?? 0) & 1 == 1 }

    /// The length of a number that is not negative (RFC 4251, section 5, mpint).
    private static func bits(_ number: ArraySlice<UInt8>) -> Int? {
        if let first = number.first, first >= 0x80 { return nil }
        let digits = number.drop { $0 == 0 }
        guard let first = digits.first else { return 0 }
        return digits.count * 8 - first.leadingZeroBitCount
    }

    /// The bytes as fields, each a 32-bit length and that many bytes; `nil` for others.
    private static func fields(of bytes: [UInt8]) -> [ArraySlice<UInt8>]? {
        var rest = bytes[...]
        var fields: [ArraySlice<UInt8>] = []
        while rest.count >= 4 {
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard length <= rest.count else { return nil }
            fields.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return rest.isEmpty ? fields : nil
    }
}
