import Subprocess

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The environment of every program that we start: of our own environment these names alone. Ours may hold the
/// database's password (`STRETTCH_DATABASE`) and whatever else the operator gave to the server, and no child needs it.
enum ChildEnvironment {
    /// What any program may need: where programs and temporary files are, and how text is written.
    static let names: Set<String> = [
        "HOME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LOGNAME", "PATH", "TMPDIR", "TZ",
        "USER",
    ]
    /// What a program that downloads needs besides, in lower and upper case. A proxy's address may hold a password.
    static let proxyNames: Set<String> = ["all_proxy", "ftp_proxy", "http_proxy", "https_proxy", "no_proxy"]

    /// The part of `ours` that a child gets.
    static func part(of ours: [String: String], forDownloads: Bool = false) -> [String: String] {
        ours.filter { name, _ in
            names.contains(name) || forDownloads && proxyNames.contains(name.lowercased())
        }
    }

    /// The part of this process's environment that a child gets.
    static func current(forDownloads: Bool = false) -> [String: String] {
        part(of: ProcessInfo.processInfo.environment, forDownloads: forDownloads)
    }
}

extension Environment {
    /// These variables and no others.
    static func only(_ variables: [String: String]) -> Environment {
        .custom(
            Dictionary(uniqueKeysWithValues: variables.map { (Environment.Key(stringLiteral: $0), $1) }))
    }
}
