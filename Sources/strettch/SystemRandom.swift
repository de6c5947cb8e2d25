/// The operating system's random numbers.
enum SystemRandom {
    /// Eight at a time, since each number that is asked for is a call of the kernel's.
    @Sendable
    static func bytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        while bytes.count < count {
            withUnsafeBytes(of: generator.next() as UInt64) { bytes += $0.prefix(count - bytes.count) }
        }
        return bytes
    }
}
