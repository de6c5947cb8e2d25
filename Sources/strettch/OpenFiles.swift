import Foundation
import Logging

/// How many files the program may have open. Each connection is one, and a program that has no more can't serve at all.
enum OpenFiles {
    /// Files for all but the connections of the API: the database, guests' monitors and terminals, metadata, downloads.
    static let reserve = 1536
    /// Connections that there are even where few files may be open.
    static let fewestConnections = 64

    /// Lets the program open as many files as its user may, and returns how many connections fit then: those that are asked
    /// for, or fewer, with a warning.
    static func connections(_ asked: Int, _ logger: Logger) -> Int {
        let most = raise()
        let fitting = max(fewestConnections, most - reserve)
        guard asked > fitting else { return asked }
        logger.warning(
            """
            Fewer connections than maxConnections are served, since this user may open too few files. Raise LimitNOFILE \
            in the unit, or ulimit -n.
            """,
            metadata: ["maxConnections": "\(asked)", "connections": "\(fitting)", "files": "\(most)"])
        return fitting
    }

    /// More are of no use, and programs that close all files they may have take their time for it.
    private static let enough: rlim_t = 131_072

    /// Raises the soft limit towards the hard one.
    private static func raise() -> Int {
        var limit = rlimit()
        // Safe: getrlimit(2) fills, and setrlimit(2) reads, the value that is ours.
        guard getrlimit(fileCount, &limit) == 0 else { return 0 }
        let wanted = min(limit.rlim_max, enough)
        if limit.rlim_cur < wanted {
            limit.rlim_cur = wanted
            _ = setrlimit(fileCount, &limit)
            _ = getrlimit(fileCount, &limit)
        }
        return Int(clamping: limit.rlim_cur)
    }

    #if canImport(Glibc)
        private static let fileCount = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let fileCount = RLIMIT_NOFILE
    #endif
}
