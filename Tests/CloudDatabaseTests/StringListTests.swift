import CloudTesting
import FoundationEssentials
import Testing

@testable import CloudDatabase

@Suite("Lists of texts in a column")
struct StringListTests {
    @Test("are written as the encoder writes them, and read as they were", arguments: 0..<20)
    func roundTrip(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let list = (0..<random.below(4)).map { _ in random.text(most: 4) }
            let text = try StringList.encode(list)
            let encoded = String(decoding: try JSONEncoder().encode(list), as: UTF8.self)
            #expect(text == encoded)
            #expect(try StringList.decode(text) == list)
        }
    }

    static let others: [(text: String, list: [String])] = [
        ("[]", []), ("[ ]", []), (#"[""]"#, [""]), (#"["",""]"#, ["", ""]), (#"[ "a" , "b" ]"#, ["a", "b"]),
        (#"["a/b\/c"]"#, ["a/b/c"]), (#"["a\\/b"]"#, [#"a\/b"#]), (#"["\u0041\"]","b"]"#, [#"A"]"#, "b"]),
        (#"["a\\","b"]"#, [#"a\"#, "b"]), (#"["a,b","c"]"#, ["a,b", "c"]),
    ]

    @Test("are read in whatever way they were written", arguments: others)
    func inAnyWay(_ text: String, _ list: [String]) throws {
        #expect(try StringList.decode(text) == list)
    }

    @Test(
        "that are none are refused",
        arguments: [
            "", "[", "]", "\"a\"", "[,]", "[\"a\"", "[\"a\"\"b\"]", "[\"a\";\"b\"]", "[1]", "{}",
        ])
    func refused(_ text: String) {
        #expect(throws: (any Error).self) { try StringList.decode(text) }
    }
}
