/// The beginning of a qcow2 file (QEMU, docs/interop/qcow2): what it says of itself and of other files. The guest's user
/// can write a disk's header, so nothing is done with it but to compare it with what should be there, before anything
/// opens the file that would believe it.
struct QCOW2Header: Sendable, Equatable {
    /// 2 or 3.
    var version: UInt32
    /// The name of the file that this one lies over; `nil`: none.
    var backingName: String?
    /// The format that the name's file is said to have.
    var backingFormat: String?
    /// The size that a guest sees, in bytes.
    var virtualBytes: UInt64
    /// 0: none.
    var encryption: UInt32
    var snapshots: UInt32
    /// Bits that a reader must know of to read the file.
    var incompatibleFeatures: UInt64
    /// Whether the guest's bytes are said to lie in another file: by a feature, or by a name in an extension.
    var hasDataFile: Bool

    /// What was wrong with a file, for the log.
    struct Fault: Error, Equatable, CustomStringConvertible { var description: String }

    static let magic: [UInt8] = [0x51, 0x46, 0x49, 0xFB]  // "QFI\xfb"
    /// How much of a file is needed: the header, its extensions and the backing file's name lie in the first cluster, and
    /// clusters have at most 2 MiB. Files with clusters of more than 64 KiB must have all of it in the first 64 KiB.
    static let limit = 64 << 10
    /// The longest name of a backing file in bytes, as QEMU has it.
    private static let nameLimit: UInt64 = 1023
    /// The most extensions that are read.
    private static let extensionLimit = 64

    private enum Feature {
        static let dataFile: UInt64 = 1 << 2
        /// Dirty, corrupt, compression type, extended L2: they concern this file alone. QEMU refuses what it can't read.
        static let known: UInt64 = 0b11011
    }

    private enum Extension {
        static let end: UInt32 = 0
        static let backingFormat: UInt32 = 0xE279_2ACA
        static let dataFile: UInt32 = 0x4441_5441
        static let encryption: UInt32 = 0x0537_BE77
    }

    /// Reads the file's first `limit` bytes, or all of a shorter one. Throws when they are no qcow2 header.
    init(_ bytes: [UInt8]) throws(Fault) {
        let reader = Reader(bytes: bytes)
        guard bytes.starts(with: Self.magic) else { throw Fault(description: "it is not a qcow2 file") }
        version = UInt32(try reader.number(at: 4, bytes: 4))
        guard [2, 3].contains(version) else { throw Fault(description: "its version is \(version)") }
        let clusterBits = try reader.number(at: 20, bytes: 4)
        guard (9...21).contains(clusterBits) else {
            throw Fault(description: "its clusters have 2^\(clusterBits) bytes")
        }
        virtualBytes = try reader.number(at: 24, bytes: 8)
        encryption = UInt32(try reader.number(at: 32, bytes: 4))
        snapshots = UInt32(try reader.number(at: 60, bytes: 4))
        incompatibleFeatures = version == 2 ? 0 : try reader.number(at: 72, bytes: 8)
        let length = version == 2 ? 72 : try reader.number(at: 100, bytes: 4)
        guard length >= (version == 2 ? 72 : 104), length % 8 == 0, length <= UInt64(1) << clusterBits else {
            throw Fault(description: "its header has \(length) bytes")
        }
        let nameStart = try reader.number(at: 8, bytes: 8)
        let nameLength = try reader.number(at: 16, bytes: 4)
        backingName = try reader.name(at: nameStart, length: nameLength, limit: Self.nameLimit)
        hasDataFile = incompatibleFeatures & Feature.dataFile != 0
        // Extensions end where the name begins, or the first cluster ends (QEMU, qcow2_open).
        try readExtensions(reader, from: length, to: nameStart == 0 ? UInt64(1) << clusterBits : nameStart)
    }

    private mutating func readExtensions(_ reader: Reader, from start: UInt64, to end: UInt64) throws(Fault) {
        var position = start
        for _ in 0..<Self.extensionLimit {
            guard position + 8 <= end else { return }
            guard position + 8 <= reader.bytes.count else {
                // A file may end with its header; what we have not read may hold anything.
                guard reader.bytes.count < Self.limit else {
                    throw Fault(description: "its header is too long")
                }
                return
            }
            let kind = UInt32(try reader.number(at: position, bytes: 4))
            let length = try reader.number(at: position + 4, bytes: 4)
            guard length <= end - position - 8 else { throw Fault(description: "an extension is too long") }
            switch kind {
            case Extension.end: return
            case Extension.backingFormat: backingFormat = try reader.text(at: position + 8, length: length)
            case Extension.dataFile: hasDataFile = true
            case Extension.encryption: encryption = max(encryption, 1)
            default: break
            }
            position += 8 + (length + 7) / 8 * 8
        }
        throw Fault(description: "it has more than \(Self.extensionLimit) extensions")
    }

    /// Throws when the file refers to another one, is encrypted, or needs what we don't know.
    private func checkFeatures() throws(Fault) {
        if hasDataFile { throw Fault(description: "it has its bytes in another file") }
        if encryption != 0 { throw Fault(description: "it is encrypted") }
        let unknown = incompatibleFeatures & ~Feature.known
        if unknown != 0 { throw Fault(description: "it has the unknown features \(unknown)") }
    }

    /// Throws unless the file is a machine's disk over a file of this name, and at most this large.
    func checkDisk(over name: String, atMost bytes: UInt64) throws(Fault) {
        try checkFeatures()
        guard let backingName, Array(backingName.utf8) == Array(name.utf8) else {
            throw Fault(description: "it lies over \(backingName ?? "nothing"), and should over \(name)")
        }
        guard backingFormat == "qcow2" else {
            throw Fault(
                description: "what it lies over is said to be \(backingFormat ?? "anything"), and is qcow2")
        }
        guard virtualBytes <= bytes else {
            throw Fault(description: "it has \(virtualBytes) bytes, and was made with \(bytes)")
        }
        guard snapshots == 0 else { throw Fault(description: "it has \(snapshots) snapshots within") }
    }

    /// Throws unless the file is a whole disk by itself, and not empty.
    func checkImage(atMost bytes: UInt64) throws(Fault) {
        try checkFeatures()
        if let backingName { throw Fault(description: "it lies over another file, \(backingName)") }
        guard virtualBytes > 0 else { throw Fault(description: "it is an empty disk") }
        guard virtualBytes <= bytes else {
            throw Fault(
                description: "it is a disk of \(virtualBytes >> 20) MiB, and \(bytes >> 20) MiB are allowed")
        }
    }
}

/// Big-endian numbers and texts within bytes that may end anywhere.
private struct Reader {
    var bytes: [UInt8]

    /// - Parameter count: at most 8.
    func number(at start: UInt64, bytes count: UInt64) throws(QCOW2Header.Fault) -> UInt64 {
        try part(at: start, length: count).reduce(0) { $0 << 8 | UInt64($1) }
    }

    func text(at start: UInt64, length: UInt64) throws(QCOW2Header.Fault) -> String {
        String(decoding: try part(at: start, length: length), as: UTF8.self)
    }

    /// `nil` where there is none.
    func name(at start: UInt64, length: UInt64, limit: UInt64) throws(QCOW2Header.Fault) -> String? {
        guard start != 0 else { return nil }
        guard length > 0, length <= limit else {
            throw QCOW2Header.Fault(description: "the name of the file that it lies over has \(length) bytes")
        }
        return try text(at: start, length: length)
    }

    private func part(at start: UInt64, length: UInt64) throws(QCOW2Header.Fault) -> ArraySlice<UInt8> {
        let end = UInt64(bytes.count)
        guard start <= end, length <= end - start else {
            throw QCOW2Header.Fault(description: "its header is cut off")
        }
        return bytes[Int(start)..<Int(start + length)]
    }
}
