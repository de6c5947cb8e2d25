import CZlib

/// Expands what gzip packed (RFC 1952), by zlib.
enum Gzip {
    enum Problem: Error, Equatable {
        /// Not gzip, cut short, or with something else behind it.
        case damaged
        /// Longer than the limit when it is expanded.
        case tooLong
    }

    /// How every gzip file begins.
    static let beginning: [UInt8] = [0x1F, 0x8B]

    private static let chunkLength = 16384
    /// The window of 32 KiB, and a gzip header around it (zlib.h, inflateInit2).
    private static let windowBits: Int32 = 15 + 16

    /// All members of the file, one after the other. Stops as soon as it is past `limit` bytes.
    static func expand(_ packed: [UInt8], limit: Int) throws(Problem) -> [UInt8] {
        var packed = packed
        var stream = z_stream()
        let result = packed.withUnsafeMutableBufferPointer { input in
            // Safe: zlib keeps the stream's address, which stays the same until the closure ends.
            withUnsafeMutablePointer(to: &stream) { expand(input, by: $0, limit) }
        }
        return try result.get()
    }

    private static func expand(
        _ input: UnsafeMutableBufferPointer<UInt8>, by stream: UnsafeMutablePointer<z_stream>, _ limit: Int
    ) -> Result<[UInt8], Problem> {
        // Safe: the stream is zeroed, as zlib wants it, and ended below.
        guard
            inflateInit2_(stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return .failure(.damaged) }
        defer { inflateEnd(stream) }
        stream.pointee.next_in = input.baseAddress
        stream.pointee.avail_in = UInt32(input.count)
        var expanded: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: chunkLength)
        while true {
            let status = chunk.withUnsafeMutableBufferPointer { output in
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = UInt32(output.count)
                // Safe: it writes at most `avail_out` bytes, and reads at most `avail_in`, of buffers that are held.
                return inflate(stream, Z_NO_FLUSH)
            }
            expanded += chunk.prefix(chunkLength - Int(stream.pointee.avail_out))
            guard expanded.count <= limit else { return .failure(.tooLong) }
            switch status {
            case Z_OK: continue
            case Z_STREAM_END:
                skipZeros(stream)
                if stream.pointee.avail_in == 0 { return .success(expanded) }
                guard inflateReset(stream) == Z_OK else { return .failure(.damaged) }
            default: return .failure(.damaged)
            }
        }
    }

    /// Zeros may follow a member, to fill a block of a tape (gzip's manual).
    private static func skipZeros(_ stream: UnsafeMutablePointer<z_stream>) {
        while stream.pointee.avail_in > 0, stream.pointee.next_in.pointee == 0 {
            stream.pointee.next_in += 1
            stream.pointee.avail_in -= 1
        }
    }
}
