import Testing

@testable import strettch

@Suite("The system's random bytes")
struct SystemRandomTests {
    @Test("are as many as were asked for", arguments: [0, 1, 7, 8, 9, 48])
    func count(_ count: Int) { #expect(SystemRandom.bytes(count).count == count) }

    @Test("are others each time, and all kinds of bytes")
    func random() {
        let bytes = SystemRandom.bytes(10_000)
        #expect(Set(bytes).count == 256)
        #expect(bytes != SystemRandom.bytes(10_000))
    }
}
