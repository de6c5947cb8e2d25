import Foundation

/// What a client needs to talk to a server.
public struct Credentials: Codable, Sendable, Equatable {
    /// Address of the server.
    public var url: String
    /// An API key. A secret: it goes into no log and no message.
    public var key: String

    public init(url: String, key: String) {
        self.url = url
        self.key = key
    }

    /// The credentials to use: each value from the environment (`STRETTCH_URL`, `STRETTCH_KEY`) if it is there, else
    /// from the file, which is not looked at when the environment has both.
    ///
    /// - Throws: `ClientError` with code `NO_CREDENTIALS` or `INVALID_CREDENTIALS`.
    public static func find(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> Credentials {
        let url = environment["STRETTCH_URL"].flatMap { $0.isEmpty ? nil : $0 }
        let key = environment["STRETTCH_KEY"].flatMap { $0.isEmpty ? nil : $0 }
        if let url, let key { return Credentials(url: url, key: key) }
        let file = try CredentialsFile(environment: environment)
        guard let stored = try file.read() else {
            let missing = [url == nil ? "STRETTCH_URL" : nil, key == nil ? "STRETTCH_KEY" : nil].compactMap(
                \.self)
            throw ClientError(
                .unconfigured, code: "NO_CREDENTIALS",
                message: """
                    There is no \(file.path). Set \(missing.joined(separator: " and ")), or write the file, \
                    mode 600: {"url": "http://HOST:PORT", "key": "KEY"}
                    """)
        }
        return Credentials(url: url ?? stored.url, key: key ?? stored.key)
    }
}
