import Crypto

/// How an image is made on this machine out of Debian's packages.
public enum ImageRecipe: String, Sendable, CaseIterable {
    /// A kernel, busybox and dropbear: boots in seconds without KVM.
    case tiny
    /// A whole Debian 12 with cloud-init.
    case debian12 = "debian-12"

    /// A program that a recipe calls, and the Debian package that has it.
    public struct Tool: Sendable, Equatable {
        public var program: String
        public var package: String
    }

    /// All that the recipe calls beyond what every Debian or Ubuntu has (coreutils, dpkg, findutils, gzip, util-linux).
    public var tools: [Tool] {
        let common = [
            Tool(program: "apt-get", package: "apt"), Tool(program: "qemu-img", package: "qemu-utils"),
        ]
        let own: [(String, String)] =
            switch self {
            case .tiny:
                [("cpio", "cpio"), ("lz4", "lz4"), ("xz", "xz-utils"), ("zstd", "zstd")]
            case .debian12:
                [
                    ("mmdebstrap", "mmdebstrap"), ("mke2fs", "e2fsprogs"), ("sfdisk", "fdisk"),
                    ("grub-mkimage", "grub-common"),
                    ("/usr/lib/grub/i386-pc/boot.img", "grub-pc-bin"),
                ]
            }
        return common + own.map { Tool(program: $0.0, package: $0.1) }
    }

    /// Whether the recipe must run as root.
    public var needsRoot: Bool {
        switch self {
        case .tiny: false
        case .debian12: true
        }
    }

    /// The longest that the recipe may run, in seconds.
    var timeoutSeconds: Int {
        switch self {
        case .tiny: 600
        case .debian12: 3600
        }
    }

    /// Bytes that must be free on the data folder's file system before it starts.
    var scratchBytes: UInt64 {
        switch self {
        case .tiny: 400 << 20
        case .debian12: 4 << 30
        }
    }

    /// Name of the script that is run; one of `files`.
    var script: String {
        switch self {
        case .tiny: "build-tiny.sh"
        case .debian12: "build-debian.sh"
        }
    }

    /// The script and what it puts into the image, by file name, out of this program.
    var files: [String: [UInt8]] {
        switch self {
        case .tiny:
            [
                "build-tiny.sh": PackageResources.build_tiny_sh,
                "tiny-init.sh": PackageResources.tiny_init_sh,
                "tiny-lsblk.sh": PackageResources.tiny_lsblk_sh,
                "tiny-udhcpc.sh": PackageResources.tiny_udhcpc_sh,
                "tiny-wget.sh": PackageResources.tiny_wget_sh,
            ]
        case .debian12:
            ["build-debian.sh": PackageResources.build_debian_sh]
        }
    }

    /// 64 hexadecimal digits that change when any of the files does, so that what an older recipe made can be told apart.
    public var digest: String { Self.digests[self] ?? "" }

    private static let digests = Dictionary(
        uniqueKeysWithValues: allCases.map { recipe in
            var hash = SHA256()
            for (name, bytes) in recipe.files.sorted(by: { $0.key < $1.key }) {
                hash.update(data: Array("\(name) \(bytes.count)\n".utf8))
                hash.update(data: bytes)
            }
            return (recipe, FileDigest.hex(hash.finalize()))
        })
}
