/// A disk whose boot sector writes a message to the first serial port and resets the machine, which ends QEMU under
/// `-no-reboot`. Firmware loads its first 512 bytes to 0x7C00 and jumps there, in 16-bit mode.
enum BootSector {
    static let message = "guest code runs"

    /// The disk's size, in bytes. SeaBIOS does not boot from a virtio disk of one sector.
    private static let size = 1 << 20

    private static let code: [UInt8] = [
        0xFA,  //                    cli
        0xFC,  //                    cld
        0x31, 0xC0,  //              xor ax, ax
        0x8E, 0xD8,  //              mov ds, ax
        0xBE, 0x1E, 0x7C,  //        mov si, 0x7C00 + 30   ; the message, behind this code
        0xBA, 0xF8, 0x03,  //        mov dx, 0x3F8         ; data register of COM1
        0xAC,  //              next: lodsb
        0x84, 0xC0,  //              test al, al
        0x74, 0x03,  //              jz done
        0xEE,  //                    out dx, al
        0xEB, 0xF8,  //              jmp next
        0xBA, 0xF9, 0x0C,  //  done: mov dx, 0xCF9         ; reset control register of the chipset
        0xB0, 0x06,  //              mov al, 6             ; full reset
        0xEE,  //                    out dx, al
        0xF4,  //              wait: hlt
        0xEB, 0xFD,  //              jmp wait
        0x90,  //                    nop
    ]

    static var disk: [UInt8] {
        var disk = code + Array("\(message)\n\0".utf8)
        disk += [UInt8](repeating: 0, count: size - disk.count)
        disk[510] = 0x55  // The mark of a boot sector.
        disk[511] = 0xAA
        return disk
    }
}
