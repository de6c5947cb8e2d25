/// A time that follows the host's real-time clock and never jumps with it: when that is set forward or back, this one
/// goes at most a quarter faster or slower until both agree. So no deadline passes and no job sleeps for an hour
/// because somebody set a clock. A quarter leaves a lease longer than the longest step.
struct SteadyTime: Sendable {
    private var nowNs: Int64
    private var bootNs: Int64

    /// The part of the time gone by that may be added or left out.
    static let slewDivisor: Int64 = 4

    /// A clock that is set further forward was never right, as on a host that boots without knowing the year: its new
    /// time is taken at once. Seven days.
    static let farthestNs: Int64 = 7 * 86400 * 1_000_000_000

    /// - Parameters:
    ///   - wallNs: the real-time clock, in nanoseconds since 1970.
    ///   - bootNs: nanoseconds since the host's boot, which nobody sets.
    init(wallNs: Int64, bootNs: Int64) {
        nowNs = wallNs
        self.bootNs = bootNs
    }

    /// What time it is, in nanoseconds since 1970, by the same two clocks as they now are.
    mutating func read(wallNs: Int64, bootNs: Int64) -> Int64 {
        let elapsed = max(0, bootNs - self.bootNs)
        let most = elapsed / Self.slewDivisor
        let gap = wallNs - (nowNs + elapsed)
        nowNs += elapsed + (gap > Self.farthestNs ? gap : min(max(gap, -most), most))
        self.bootNs += elapsed
        return nowNs
    }
}
