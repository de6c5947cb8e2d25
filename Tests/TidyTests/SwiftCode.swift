/// Swift source with its comments and string literals blanked, so that words in them are not taken for code.
///
/// Line breaks stay, and so do line numbers. What is interpolated into a string is blanked with it. Works on UTF-8, since
/// a debug build compares characters a hundred times more slowly.
struct SwiftCode: Sendable {
    let text: ByteText

    init(_ text: String) {
        var scanner = Scanner(Array(text.utf8))
        self.text = ByteText(bytes: scanner.blanked())
    }

    private struct Scanner {
        let text: [UInt8]
        var index = 0
        var output: [UInt8] = []

        private static let quote = UInt8(ascii: "\"")
        private static let pound = UInt8(ascii: "#")
        private static let slash = UInt8(ascii: "/")
        private static let star = UInt8(ascii: "*")
        private static let backslash = UInt8(ascii: "\\")
        private static let newline = UInt8(ascii: "\n")

        init(_ text: [UInt8]) {
            self.text = text
            output.reserveCapacity(text.count)
        }

        /// Each turn takes one byte at least, so this ends.
        mutating func blanked() -> [UInt8] {
            while index < text.count {
                let byte = text[index]
                if byte == Self.slash, peek(1) == Self.slash {
                    while index < text.count, text[index] != Self.newline { blank(1) }
                } else if byte == Self.slash, peek(1) == Self.star {
                    while index < text.count, !(text[index] == Self.star && peek(1) == Self.slash) {
                        blank(1)
                    }
                    blank(2)
                } else if let delimiter = stringDelimiter() {
                    string(delimiter)
                } else {
                    output.append(byte)
                    index += 1
                }
            }
            return output
        }

        private func peek(_ offset: Int) -> UInt8? {
            index + offset < text.count ? text[index + offset] : nil
        }

        /// Whether as many of the byte stand here, `offset` further on.
        private func stands(_ byte: UInt8, times: Int, at offset: Int = 0) -> Bool {
            for step in 0..<times where peek(offset + step) != byte { return false }
            return true
        }

        private mutating func blank(_ count: Int) {
            for _ in 0..<count where index < text.count {
                output.append(text[index] == Self.newline ? Self.newline : UInt8(ascii: " "))
                index += 1
            }
        }

        /// The opening of a string literal here: how many pound signs and quotes it has.
        private func stringDelimiter() -> (pounds: Int, quotes: Int)? {
            guard text[index] == Self.quote || text[index] == Self.pound else { return nil }
            var pounds = 0
            while peek(pounds) == Self.pound { pounds += 1 }
            guard peek(pounds) == Self.quote else { return nil }
            return (pounds, stands(Self.quote, times: 3, at: pounds) ? 3 : 1)
        }

        private mutating func string(_ delimiter: (pounds: Int, quotes: Int)) {
            let length = delimiter.pounds + delimiter.quotes
            output.append(Self.quote)
            index += 1
            blank(length - 1)
            while index < text.count, !closes(delimiter) {
                let escapes =
                    text[index] == Self.backslash && stands(Self.pound, times: delimiter.pounds, at: 1)
                if escapes, peek(1 + delimiter.pounds) == UInt8(ascii: "(") {
                    interpolation(delimiter.pounds)
                } else {
                    blank(escapes ? delimiter.pounds + 2 : 1)
                }
            }
            blank(length)
        }

        private func closes(_ delimiter: (pounds: Int, quotes: Int)) -> Bool {
            text[index] == Self.quote && stands(Self.quote, times: delimiter.quotes)
                && stands(Self.pound, times: delimiter.pounds, at: delimiter.quotes)
        }

        /// An interpolation may hold strings of its own, and parentheses.
        private mutating func interpolation(_ pounds: Int) {
            blank(pounds + 2)
            var depth = 1
            while index < text.count, depth > 0 {
                if let inner = stringDelimiter() {
                    string(inner)
                    continue
                }
                if text[index] == UInt8(ascii: "(") { depth += 1 }
                if text[index] == UInt8(ascii: ")") { depth -= 1 }
                blank(1)
            }
        }
    }
}
