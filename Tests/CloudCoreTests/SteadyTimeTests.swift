import Testing

@testable import CloudCore

@Suite("The time that does not jump")
struct SteadyTimeTests {
    private let second: Int64 = 1_000_000_000
    private let day: Int64 = 86400 * 1_000_000_000

    @Test("without a jump it is the host's time")
    func same() {
        var time = SteadyTime(wallNs: 1000 * day, bootNs: 0)
        #expect(time.read(wallNs: 1000 * day + second, bootNs: second) == 1000 * day + second)
        #expect(time.read(wallNs: 1000 * day + 5 * second, bootNs: 5 * second) == 1000 * day + 5 * second)
    }

    @Test("a clock that is set a day forward or an hour back makes a second a quarter longer or shorter")
    func jumps() {
        for (jump, wanted) in [(day, second + second / 4), (-day / 24, second - second / 4)] {
            var time = SteadyTime(wallNs: 1000 * day, bootNs: 0)
            #expect(time.read(wallNs: 1000 * day + jump, bootNs: 0) == 1000 * day, "no time has gone by")
            #expect(time.read(wallNs: 1000 * day + jump + second, bootNs: second) == 1000 * day + wanted)
        }
    }

    @Test("a clock that was years behind is right at once when it is set")
    func yearsBehind() {
        var time = SteadyTime(wallNs: 0, bootNs: 0)
        #expect(time.read(wallNs: 20_000 * day, bootNs: second) == 20_000 * day)
        #expect(time.read(wallNs: 20_000 * day + second, bootNs: 2 * second) == 20_000 * day + second)
    }

    @Test("it agrees with the host again in the end, read however often, and never goes back")
    func agrees() {
        for jump in [10 * second, -10 * second] {
            var time = SteadyTime(wallNs: 1000 * day, bootNs: 0)
            var last: Int64 = 0
            for bootNs in stride(from: 0, through: 41 * second, by: 7_777_777) {
                let now = time.read(wallNs: 1000 * day + jump + bootNs, bootNs: bootNs)
                #expect(now >= last)
                last = now
            }
            let wallNs = 1000 * day + jump + 42 * second
            #expect(time.read(wallNs: wallNs, bootNs: 42 * second) == wallNs)
        }
    }
}
