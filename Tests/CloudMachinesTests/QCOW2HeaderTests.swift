import Testing

@testable import CloudMachines

@Suite("The header of a qcow2 file")
struct QCOW2HeaderTests {
    /// The first 64 KiB of a disk of 10 GiB over `/images/base`, as QEMU writes them.
    private struct Bytes {
        var bytes = [UInt8](repeating: 0, count: QCOW2Header.limit)

        init(version: UInt64 = 3, name: String? = "/images/base", format: String? = "qcow2") {
            bytes.replaceSubrange(0..<4, with: QCOW2Header.magic)
            set(4, 4, version)
            set(20, 4, 16)
            set(24, 8, 10 << 30)
            if version == 3 { set(100, 4, 104) }
            var position = version == 3 ? 104 : 72
            if let format { position = add(0xE279_2ACA, format, at: position) }
            position += 8  // the end of the extensions
            if let name {
                set(8, 8, UInt64(position))
                set(16, 4, UInt64(name.utf8.count))
                bytes.replaceSubrange(position..<position + name.utf8.count, with: name.utf8)
            }
        }

        mutating func set(_ offset: Int, _ count: Int, _ value: UInt64) {
            for index in 0..<count {
                bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * (count - 1 - index)))
            }
        }

        /// Returns where the next extension begins.
        @discardableResult
        mutating func add(_ kind: UInt64, _ text: String, at position: Int) -> Int {
            set(position, 4, kind)
            set(position + 4, 4, UInt64(text.utf8.count))
            bytes.replaceSubrange(position + 8..<position + 8 + text.utf8.count, with: text.utf8)
            return position + 8 + (text.utf8.count + 7) / 8 * 8
        }
    }

    private func check(_ bytes: [UInt8]) throws {
        try QCOW2Header(bytes).checkDisk(over: "/images/base", atMost: 10 << 30)
    }

    @Test("of a disk as it was made passes, in both versions")
    func honest() throws {
        for version in [2, 3] as [UInt64] {
            try check(Bytes(version: version).bytes)
            let header = try QCOW2Header(Bytes(version: version).bytes)
            #expect(header.backingName == "/images/base" && header.backingFormat == "qcow2")
            #expect(header.virtualBytes == 10 << 30 && !header.hasDataFile && header.encryption == 0)
        }
        try QCOW2Header(Bytes(name: nil, format: nil).bytes).checkImage(atMost: 10 << 30)
    }

    @Test("that the guest's user has changed is refused, whatever it leads to")
    func hostile() throws {
        let changes: [(String, (inout Bytes) -> Void)] = [
            ("bytes in another file, by a feature", { $0.set(72, 8, 1 << 2) }),
            ("bytes in another file, by an extension", { $0.bytes = Self.withDataFile() }),
            ("a feature that nobody knows", { $0.set(72, 8, 1 << 40) }),
            ("encryption of old", { $0.set(32, 4, 1) }),
            ("LUKS", { $0.set(32, 4, 2) }),
            ("another name", { $0.bytes[128] ^= 1 }),
            ("a longer name", { $0.set(16, 4, 13) }),
            ("a shorter name", { $0.set(16, 4, 11) }),
            ("no name", { $0.set(8, 8, 0) }),
            ("a name of no length", { $0.set(16, 4, 0) }),
            ("a name behind the file's end", { $0.set(8, 8, UInt64(QCOW2Header.limit)) }),
            ("a name at the end of numbers", { $0.set(8, 8, .max) }),
            ("a name as long as numbers go", { $0.set(16, 4, 0xFFFF_FFFF) }),
            ("another format beneath", { $0.add(0xE279_2ACA, "rawww", at: 104) }),
            ("a format beneath that is to be guessed", { $0.add(0xE279_2ACB, "qcow2", at: 104) }),
            ("an extension of endless length", { $0.set(108, 4, 0xFFFF_FFFF) }),
            ("a header of no length", { $0.set(100, 4, 0) }),
            ("a header of endless length", { $0.set(100, 4, 0xFFFF_FFF8) }),
            ("a header of odd length", { $0.set(100, 4, 105) }),
            ("a larger size", { $0.set(24, 8, 10 << 30 + 1) }),
            ("the largest size", { $0.set(24, 8, .max) }),
            ("snapshots", { $0.set(60, 4, 1) }),
            ("clusters of no size", { $0.set(20, 4, 0) }),
            ("clusters of endless size", { $0.set(20, 4, 64) }),
            ("another version", { $0.set(4, 4, 4) }),
            ("another kind of file", { $0.bytes[0] = 0 }),
            ("a raw disk", { $0.bytes = [UInt8](repeating: 0, count: 510) + [0x55, 0xAA] }),
            ("a file of a name", { $0.bytes = Array("json:{}".utf8) }),
            ("nothing", { $0.bytes = [] }),
        ]
        for (what, change) in changes {
            var bytes = Bytes()
            change(&bytes)
            #expect(throws: QCOW2Header.Fault.self, "\(what)") { try check(bytes.bytes) }
        }
    }

    private static func withDataFile() -> [UInt8] {
        var bytes = Bytes(name: nil, format: nil)
        bytes.add(0x4441_5441, "/etc/shadow", at: bytes.add(0xE279_2ACA, "qcow2", at: 104))
        return bytes.bytes
    }

    @Test("that ends anywhere is refused or read, and nothing is read behind its end")
    func cutOff() {
        let whole = Bytes().bytes
        for length in 0..<160 {
            let passes = (try? check(Array(whole.prefix(length)))) != nil  // false: it was refused
            #expect(passes == (length >= 140), "\(length)")
        }
    }

    @Test("with any one byte changed never traps")
    func anyByte() {
        for index in 0..<160 {
            for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] {
                var bytes = Bytes().bytes
                bytes[index] = value
                _ = try? check(bytes)  // what it says is not asked here
            }
        }
    }

    @Test("of an image that lies over another file, is elsewhere, empty or too large is refused")
    func image() throws {
        let plain = Bytes(name: nil, format: nil)
        let changes: [(inout Bytes) -> Void] = [
            { $0 = Bytes() }, { $0.set(72, 8, 1 << 2) }, { $0.bytes = Self.withDataFile() },
            { $0.set(24, 8, 0) },
            { $0.set(24, 8, 10 << 30 + 1) }, { $0.set(32, 4, 2) },
        ]
        for change in changes {
            var bytes = plain
            change(&bytes)
            #expect(throws: QCOW2Header.Fault.self) {
                try QCOW2Header(bytes.bytes).checkImage(atMost: 10 << 30)
            }
        }
    }
}
