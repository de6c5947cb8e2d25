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

    /// Saves the key; again is harmless. What the file held before, perhaps for a server that still runs, is kept beside it.
    /// Throws `VALIDATION_ERROR` with the remedy when the file can't be written.
    func save(_ key: String) throws {
        do {
            let file = try CredentialsFile(environment: environment)
            let earlier = try file.read()
            guard earlier?.key != key else { return }
            if let earlier { try CredentialsFile(path: file.path + ".previous").write(earlier) }
            try file.write(Credentials(url: url, key: key))
        } catch let error as ClientError {
            throw CloudError(
                .validationError,
                "The key of this cell's first owner can't be saved, so nothing was made: \(error.message) Or name "
                    + "another file in STRETTCH_CREDENTIALS, and start again.")
        }
    }

    /// Says where the key is saved, and shows it on a terminal. Elsewhere it would stand in a journal or a file for good.
    func show(_ key: String) throws {
        let path = try CredentialsFile(environment: environment).path
        let lines = Self.lines(key, path: path, isTerminal: OutputStreams.showsResults)
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
