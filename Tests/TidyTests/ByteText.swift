/// A text as its UTF-8 bytes, searched for words.
struct ByteText: Sendable {
    let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    init(_ text: String) { bytes = Array(text.utf8) }

    /// The lines, from 1, in which the word stands, once each. What stands before it must not be part of a name: neither
    /// a letter, a digit nor `_`, and no dot unless that is allowed.
    func lines(with word: String, afterDot: Bool = true) -> [Int] {
        var lines: [Int] = []
        for offset in offsets(of: word) where begins(at: offset, afterDot: afterDot) {
            let line = lineNumber(of: offset)
            if lines.last != line { lines.append(line) }
        }
        return lines
    }

    /// Where the word begins, wherever it stands.
    func offsets(of word: String) -> [Int] {
        let word = Array(word.utf8)
        guard let first = word.first, bytes.count >= word.count else { return [] }
        return bytes.withUnsafeBufferPointer { bytes in
            var found: [Int] = []
            for start in 0...(bytes.count - word.count) where bytes[start] == first {
                var length = 1
                while length < word.count, bytes[start + length] == word[length] { length += 1 }
                if length == word.count { found.append(start) }
            }
            return found
        }
    }

    func lineNumber(of offset: Int) -> Int {
        var line = 1
        for index in 0..<offset where bytes[index] == UInt8(ascii: "\n") { line += 1 }
        return line
    }

    /// The line's text, without its break; empty past the end.
    func line(_ number: Int) -> String {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return number >= 1 && number <= lines.count ? String(decoding: lines[number - 1], as: UTF8.self) : ""
    }

    static func isNamePart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private func begins(at offset: Int, afterDot: Bool) -> Bool {
        guard offset > 0 else { return true }
        let before = bytes[offset - 1]
        return !Self.isNamePart(before) && (afterDot || before != UInt8(ascii: "."))
    }
}
