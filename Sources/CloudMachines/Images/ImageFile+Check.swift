import CloudCore

extension ImageFile.Format {
    /// The bytes that a guest sees of a disk in this format, by the beginning of its file. Throws when the file is in another, is
    /// not a whole disk by itself, or larger than that.
    func check(_ head: [UInt8], size: Int64, atMost limit: UInt64) throws(QCOW2Header.Fault) -> UInt64 {
        let sector: UInt64 = 512
        switch self {
        case .qcow2:
            let header = try QCOW2Header(head)
            try header.checkImage(atMost: limit)
            guard header.virtualBytes >= sector else {
                throw QCOW2Header.Fault(description: "it is an empty disk")
            }
            return header.virtualBytes / sector * sector
        case .raw:
            guard !head.starts(with: QCOW2Header.magic) else {
                throw QCOW2Header.Fault(description: "its format is qcow2, and raw was said")
            }
            let bytes = (UInt64(size) + sector - 1) / sector * sector
            guard bytes <= limit else {
                throw QCOW2Header.Fault(
                    description: "it is a disk of \(bytes >> 20) MiB, and \(limit >> 20) MiB are allowed")
            }
            return bytes
        }
    }
}

extension QCOW2Header {
    /// Throws unless the file is a whole disk by itself, with this many bytes.
    static func checkWhole(_ path: String, bytes: UInt64) throws {
        let header = try QCOW2Header(try OpenFile.regular(path).beginning(limit))
        try header.checkImage(atMost: bytes)
        guard header.virtualBytes == bytes else {
            throw Fault(description: "it has \(header.virtualBytes) bytes, and should have \(bytes)")
        }
    }
}
