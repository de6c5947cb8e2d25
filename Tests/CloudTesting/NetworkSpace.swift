import CloudCore
import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Runs code of ours inside of a network namespace that `ip netns add` has made. Needs root, and Linux.
public enum NetworkSpace {
    /// On a thread of its own, which ends with it: a thread that enters a namespace stays there.
    public static func run<Result: Sendable>(
        in name: String, _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Swift.Result {
                        try enter(name)
                        return try body()
                    })
            }
        }
    }

    /// The type of `setns` (setns(2)), which is no part of what Swift sees of the C library.
    private typealias SetNS = @convention(c) (Int32, Int32) -> Int32
    private static let networkNamespace: Int32 = 0x4000_0000

    private static func enter(_ name: String) throws {
        let space = open("/run/netns/\(name)", O_RDONLY | O_CLOEXEC)
        guard space >= 0, let symbol = dlsym(nil, "setns") else {
            throw CloudError.bug("no network namespace \(name)")
        }
        defer { close(space) }
        // Safe: the type is that of the function in the manual.
        guard unsafeBitCast(symbol, to: SetNS.self)(space, networkNamespace) == 0 else {
            throw CloudError.bug("network namespace \(name): errno \(errno)")
        }
    }
}
