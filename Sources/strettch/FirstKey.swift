import CloudClient
import CloudCore
import CloudServer
import Foundation

/// The owner's key that the first start of a cell makes: saved where the client looks, and shown once.
struct FirstKey: Sendable {
    var listen: CloudServer.Listen
    /// Whether it speaks TLS.
    var isSecure: Bool
    /// Where the file is looked for.
    var environment = ProcessInfo.processInfo.environment

    /// Saves the key; again is harmless. What the file held before, perhaps for a server that still runs, is kept beside it, in a
    /// file of its own each time. Throws `VALIDATION_ERROR` with the remedy when the file can't be written.
    /// - Returns: the file that keeps what was there before, if anything was.
    @discardableResult
    func save(_ key: String) throws -> String? {
        do {
            let file = try CredentialsFile(environment: environment)
            let earlier = try file.read()
            guard earlier?.key != key else { return nil }
            let kept = try earlier.map { try Self.keep($0, beside: file.path) }
            try file.write(Credentials(url: url, key: key))
            return kept
        } catch let error as ClientError {
            throw CloudError(
                .validationError,
                "The key of this cell's first owner can't be saved, so nothing was made: \(error.message) Or name "
                    + "another file in STRETTCH_CREDENTIALS, and start again.")
        }
    }

    /// Writes what was there into the first file of its own that is free: `….previous`, `….previous-2` and so on. Throws when
    /// there are `maxKept` of them.
    private static func keep(_ earlier: Credentials, beside path: String) throws -> String {
        for number in 1...maxKept {
            let file = CredentialsFile(path: path + ".previous" + (number == 1 ? "" : "-\(number)"))
            guard let there = try file.read() else {
                try file.write(earlier)
                return file.path
            }
            if there.key == earlier.key { return file.path }
        }
        throw ClientError(
            .unconfigured, code: "INVALID_CREDENTIALS",
            message:
                "\(path).previous-2 to -\(maxKept) keep the keys of earlier servers. Remove those that you do not "
                + "need.")
    }

    /// Files that keep earlier keys.
    private static let maxKept = 100

    /// Says where the key is saved, and shows it on a terminal. Elsewhere it would stand in a journal or a file for good.
    /// - Parameter earlier: the file that keeps what was there before.
    func show(_ key: String, earlier: String?) throws {
        let path = try CredentialsFile(environment: environment).path
        let note = earlier.map { "\nThe key that was there, of another server, is kept in \($0)" } ?? ""
        let lines = Self.lines(key, path: path, isTerminal: OutputStreams.showsResults) + note
        try? OutputStreams.result(lines)  // the key is saved, so a server with nobody to tell goes on
    }

    static func lines(_ key: String, path: String, isTerminal: Bool) -> String {
        isTerminal
            ? "Your API key, shown this once: \(key)\nSaved for 'strettch compute' in \(path)"
            : "The owner's API key is saved for 'strettch compute' in \(path)"
    }

    private var url: String {
        switch listen {
        case .tcp: "\(isSecure ? "https" : "http")://\(listen.asClient)"
        case .unix(let path):
            "http+unix://\(path.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? path)"
        }
    }
}
