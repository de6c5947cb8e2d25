import CloudTesting
import Foundation
import Testing

@testable import CloudDatabase

@Suite("Texts by name in one column")
struct StringMapTests {
    @Test("are read by the coder as they were", arguments: 0..<200)
    func random(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        func text() -> String {
            String(
                (0..<random.below(12)).map { _ in
                    let scalars: [Unicode.Scalar] = [
                        "\"", "\\", "/", "\u{0}", "\u{1F}", "\u{7F}", "é", "😀",
                        Unicode.Scalar(UInt8(random.below(128))),
                    ]
                    return Character(scalars[random.below(scalars.count)])
                })
        }
        let map = Dictionary((0..<random.below(6)).map { _ in (text(), text()) }) { $1 }
        let read = try JSONDecoder().decode([String: String].self, from: Data(StringMap.encode(map).utf8))
        #expect(read == map)
    }

    @Test("are in the order of their names")
    func order() {
        #expect(StringMap.encode(["b": "\"x\"", "a": "1"]) == #"{"a":"1","b":"\"x\""}"#)
        #expect(StringMap.encode([:]) == "{}")
    }
}
