import Crypto

/// The digests that images are published with.
enum DigestAlgorithm: CaseIterable {
    case sha256
    case sha512

    var name: String {
        switch self {
        case .sha256: "SHA-256"
        case .sha512: "SHA-512"
        }
    }

    /// As in the names of checksum files and in BSD's form.
    fileprivate var tag: String {
        switch self {
        case .sha256: "SHA256"
        case .sha512: "SHA512"
        }
    }

    fileprivate var hexDigits: Int {
        switch self {
        case .sha256: 64
        case .sha512: 128
        }
    }

    func hash() -> any HashFunction {
        switch self {
        case .sha256: SHA256()
        case .sha512: SHA512()
        }
    }
}

/// What a download's bytes must be.
struct ExpectedDigest: Equatable {
    var algorithm: DigestAlgorithm
    /// In lower case.
    var hex: String

    init(algorithm: DigestAlgorithm, hex: String) {
        self.algorithm = algorithm
        self.hex = hex
    }

    /// `nil` for text that is not one of the digests, in hexadecimal digits.
    init?(_ text: some StringProtocol) {
        guard text.allSatisfy({ $0.isASCII && $0.isHexDigit }),
            let algorithm = DigestAlgorithm.allCases.first(where: { $0.hexDigits == text.utf8.count })
        else { return nil }
        self.init(algorithm: algorithm, hex: text.lowercased())
    }
}

/// A `SHA256SUMS` or `SHA512SUMS` file, as sha256sum(1) and sha512sum(1) write it: `DIGEST *name` or `DIGEST  name`; or in
/// BSD's form, `SHA256 (name) = DIGEST`. A name may begin with `./`. A file that is a digest and nothing else is that of the
/// one file beside it.
enum ChecksumFile {
    /// The digest of the named file; `nil` when the file is not listed.
    static func digest(of name: String, in text: String) -> ExpectedDigest? {
        let lines = text.split(whereSeparator: \.isNewline).map {
            $0.trimming(while: { $0.isWhitespace || $0 == "\u{FEFF}" })
        }
        .filter { !$0.isEmpty }
        if lines.count == 1, let bare = ExpectedDigest(lines[0]) { return bare }
        return lines.lazy.compactMap { line in
            guard let entry = plain(line) ?? tagged(line), entry.name == name else { return nil }
            return entry.digest
        }.first
    }

    private static func plain(_ line: Substring) -> (name: Substring, digest: ExpectedDigest)? {
        guard let end = line.firstIndex(where: \.isWhitespace), let digest = ExpectedDigest(line[..<end])
        else {
            return nil
        }
        var name = line[end...].drop(while: \.isWhitespace)
        if name.hasPrefix("*") { name = name.dropFirst() }
        return (local(name), digest)
    }

    private static func tagged(_ line: Substring) -> (name: Substring, digest: ExpectedDigest)? {
        guard let match = line.wholeMatch(of: /(\w+) \((.+)\) = (\w+)/), let digest = ExpectedDigest(match.3),
            digest.algorithm.tag == match.1
        else { return nil }
        return (local(match.2), digest)
    }

    private static func local(_ name: Substring) -> Substring {
        name.hasPrefix("./") ? name.dropFirst(2) : name
    }
}

extension Substring {
    fileprivate func trimming(while isTrimmed: (Character) -> Bool) -> Substring {
        guard let last = lastIndex(where: { !isTrimmed($0) }) else { return "" }
        return self[...last].drop(while: isTrimmed)
    }
}
