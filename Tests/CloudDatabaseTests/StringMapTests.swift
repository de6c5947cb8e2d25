import CloudTesting
import Foundation
import Testing

@testable import CloudDatabase

@Suite("Texts by name in one column")
struct StringMapTests {
    @Test("are read by the coder as they were", arguments: 0..<200)
    func random(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let map = Dictionary((0..<random.below(6)).map { _ in (random.text(), random.text()) }) { $1 }
        let read = try JSONDecoder().decode([String: String].self, from: Data(StringMap.encode(map).utf8))
        #expect(read == map)
    }

    @Test("are in the order of their names")
    func order() {
        #expect(StringMap.encode(["b": "\"x\"", "a": "1"]) == #"{"a":"1","b":"\"x\""}"#)
        #expect(StringMap.encode([:]) == "{}")
    }
}
