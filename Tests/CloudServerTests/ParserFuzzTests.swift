import CloudCore
import CloudWire
import FoundationEssentials
import Testing

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed, so that a failure can be found again.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Makes JSON values, and writes each in one of the many ways that JSON allows.
private struct JSONMaker {
    var random: SeededGenerator
    static let words = ["", "a", "B", "é", "/", "\"", "\\", "\n", "\u{0}", "😀", "a b", "\u{301}x", "10", "2"]

    mutating func value(depth: Int = 0) -> JSONValue {
        switch Int.random(in: 0...(depth < 4 ? 7 : 5), using: &random) {
        case 0: .null
        case 1: .bool(.random(using: &random))
        case 2: .integer(.random(in: -1000...1000, using: &random))
        case 3: .integer(.random(in: .min ... .max, using: &random))
        case 4: .double(Double(Int.random(in: -999...999, using: &random)) + 0.5)
        case 5: .string(word())
        case 6: .array((0..<count()).map { _ in value(depth: depth + 1) })
        default:
            .object(
                Dictionary(
                    (0..<count()).map { _ in (word(), value(depth: depth + 1)) }, uniquingKeysWith: { $1 }))
        }
    }

    mutating func text(_ value: JSONValue) -> String {
        let written =
            switch value {
            case .null: "null"
            case .bool(let value): "\(value)"
            case .integer(0): pick(["0", "-0", "0.0", "0E-7"])
            case .integer(let value): pick(["\(value)", "\(value).0", "\(value)e0", "\(value)0E-1"])
            case .double(let value): pick(["\(value)", "\(value)00", "\(value)e+00"])
            case .string(let value): string(value)
            case .array(let values): "[" + values.map { text($0) }.joined(separator: ",") + "]"
            case .object(let members):
                "{"
                    + members.shuffled(using: &random).map { "\(string($0.key))\(space()):\(text($0.value))" }
                    .joined(separator: ",") + "}"
            }
        return space() + written + space()
    }

    mutating func bytes(_ limit: Int) -> [UInt8] {
        (0..<Int.random(in: 0...limit, using: &random)).map { _ in .random(in: .min ... .max, using: &random)
        }
    }

    /// The bytes with a few of them changed, taken out, doubled or put in.
    mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0...3, using: &random) {
            case 0: bytes.insert(.random(in: .min ... .max, using: &random), at: place)
            case 1:
                bytes.insert(
                    contentsOf: pick(["\"", "{", "}", "[", ",", ":", "\\u", "e9", "-"]).utf8, at: place)
            case 2 where place < bytes.count: bytes.remove(at: place)
            case 3 where place < bytes.count: bytes.insert(contentsOf: bytes[place...], at: place)
            default: break
            }
        }
        return bytes
    }

    mutating func word() -> String { pick(Self.words) + pick(Self.words) }

    private mutating func count() -> Int { .random(in: 0...4, using: &random) }
    private mutating func space() -> String { pick(["", " ", "\n\t", "\r"]) }
    private mutating func pick(_ texts: [String]) -> String {
        texts[Int.random(in: texts.indices, using: &random)]
    }

    private mutating func string(_ text: String) -> String {
        let parts = text.utf16.map { unit -> String in
            let mustBeEscaped = unit < 32 || unit == 34 || unit == 92 || (0xD800..<0xE000).contains(unit)
            guard !mustBeEscaped, Bool.random(using: &random), let scalar = Unicode.Scalar(unit) else {
                let hex = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            }
            return String(Character(scalar))
        }
        return "\"\(parts.joined())\""
    }
}

@Suite("Parsers of what clients send")
struct ParserFuzzTests {
    static let seeds: [UInt64] = [1, 2, 3]

    @Test("a value is read from all ways to write it, and its canonical text is the same", arguments: seeds)
    func spellings(_ seed: UInt64) throws {
        var maker = JSONMaker(random: SeededGenerator(state: seed))
        for _ in 0..<400 {
            let value = maker.value()
            let canonical = try value.canonical()
            for text in [maker.text(value), maker.text(value), canonical] {
                let read = try JSONValue(parsing: text.utf8)
                #expect(read == value, "\(text)")
                #expect(try read.canonical() == canonical, "\(text)")
            }
        }
    }

    @Test("the canonical text is the encoder's, with which keys were kept before", arguments: seeds)
    func encoding(_ seed: UInt64) throws {
        var maker = JSONMaker(random: SeededGenerator(state: seed))
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        for _ in 0..<1000 {
            let value = maker.value()
            #expect(try value.canonical() == String(decoding: encoder.encode(value), as: UTF8.self))
        }
    }

    @Test("two values have the same canonical text only if they are equal", arguments: seeds)
    func differences(_ seed: UInt64) throws {
        var maker = JSONMaker(random: SeededGenerator(state: seed))
        var seen: [String: JSONValue] = [:]
        for _ in 0..<3000 {
            let value = maker.value(depth: 3)
            let canonical = try value.canonical()
            if let other = seen.updateValue(value, forKey: canonical) {
                #expect(other == value, "\(canonical)")
            }
        }
        #expect(seen.count > 500)
    }

    @Test("bytes that were damaged are refused or read, and what is read can be read again", arguments: seeds)
    func damage(_ seed: UInt64) throws {
        var maker = JSONMaker(random: SeededGenerator(state: seed))
        var accepted = 0
        for _ in 0..<3000 {
            let text = maker.text(maker.value())
            do {
                let value = try JSONValue(parsing: maker.mutated(Array(text.utf8)))
                #expect(try JSONValue(parsing: value.canonical().utf8) == value)
                accepted += 1
            } catch is JSONSyntaxError {
                continue
            }
        }
        #expect((1..<2000).contains(accepted), "some damage is harmless, most is not: \(accepted)")
    }

    @Test(
        "any text is judged as a key, host name and tag, and the verdict repeats little of it",
        arguments: seeds)
    func texts(_ seed: UInt64) throws {
        var maker = JSONMaker(random: SeededGenerator(state: seed))
        let starts = [
            "", "ssh-rsa ", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI", "f47ac10b-58cc-4372-a567-0e02b2c3d479",
        ]
        for round in 0..<2000 {
            let start = Array(starts[round % starts.count].utf8)
            let text = String(
                decoding: round < 200 ? start + maker.bytes(9000) : maker.mutated(start), as: UTF8.self)
            let problems = ComputeRequest(
                hostName: text, image: text, region: text, specification: text, publicKeys: [text],
                tags: [text]
            ).problems(strictKeys: true)
            #expect(problems.allSatisfy { $0.message.utf8.count < 1000 })
            do {
                let key = try IdempotencyKey(header: text)
                #expect(key.value.utf8.count == 36 && key.value == text.lowercased())
            } catch {
                #expect(error.message.utf8.count < 1000)
            }
        }
    }
}
