import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where the user's own files are.
public enum HomeFolder {
    /// `HOME`, else what the system's list of users says: systemd gives no `HOME` to a service of root's. `nil` when neither
    /// names a folder.
    public static func path(environment: [String: String]) -> String? {
        if let home = environment["HOME"], home.hasPrefix("/") { return home }
        return listed
    }

    private static var listed: String? {
        var (entry, found) = (passwd(), UnsafeMutablePointer<passwd>?.none)
        var texts = [CChar](repeating: 0, count: maxEntryBytes)
        // Safe: fills the locals, whose sizes it knows; the text is copied while they are there.
        guard getpwuid_r(geteuid(), &entry, &texts, texts.count, &found) == 0, found != nil,
            let folder = entry.pw_dir
        else { return nil }
        let path = String(cString: folder)
        return path.hasPrefix("/") ? path : nil
    }

    /// Bytes of the longest entry that is read.
    private static let maxEntryBytes = 16_384
}
