import AsyncHTTPClient
import CloudWire
import Foundation
import NIOCore
import NIOSSL

/// A client of the compute API. Every call throws `ClientError`, or `CancellationError` when its task is cancelled.
public struct StrettchClient: Sendable {
    /// Bounds of the client, and where it takes its time from.
    public struct Options: Sendable {
        /// The longest that one attempt of a call may take until it is answered, and the longest silence within the
        /// answer, in milliseconds.
        public var attemptTimeoutMs: Int64 = 30_000
        /// The longest that opening a connection may take, in milliseconds.
        public var connectTimeoutMs: Int64 = 5_000
        /// The largest answer that is read.
        public var maxAnswerBytes = 8 << 20
        public var retry = RetryPolicy()
        /// What the connection goes through; `nil`: nothing.
        public var proxy: Proxy?
        /// A file with the certificates (PEM) that are trusted, in place of this machine's; `nil`: this machine's.
        public var caFile: String?
        /// Sleeps between attempts and polls.
        public var clock: any Clock<Duration> = ContinuousClock()

        public init() {}
    }

    /// An HTTP proxy, which connections are made through by CONNECT.
    public struct Proxy: Sendable {
        public var host: String
        public var port: Int
        /// What the proxy asks for, if it does.
        public var login: (user: String, password: String)?

        public init(host: String, port: Int, login: (user: String, password: String)?) {
            self.host = host
            self.port = port
            self.login = login
        }
    }

    /// The server's address without the API's path, as in messages: `http://127.0.0.1:8080`.
    public let url: String
    public let options: Options
    let key: String
    let http: HTTPClient

    /// Runs `body` with a client whose connections are closed afterwards.
    ///
    /// - Parameters:
    ///   - baseURL: `http://host:port`, `https://host`, or `http+unix://%2Fpath%2Fof%2Fsocket`; the API's path
    ///     `/api/v1` may follow.
    ///   - key: an API key.
    /// - Throws: `ClientError` for a url or key that can't be one, and what `body` throws.
    public static func with<Result: Sendable>(
        baseURL: String, key: String, options: Options = Options(),
        _ body: (StrettchClient) async throws -> Result
    ) async throws -> Result {
        let url = try checkedURL(baseURL)
        let key = try checkedKey(key)
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration(options))
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(
                try await body(StrettchClient(url: url, options: options, key: key, http: http)))
        } catch {
            outcome = .failure(error)
        }
        try await http.shutdown()
        return try outcome.get()
    }

    /// Redirects are not followed, since they could carry the key elsewhere; retries are ours alone.
    private static func configuration(_ options: Options) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(
                connect: .milliseconds(options.connectTimeoutMs),
                read: .milliseconds(options.attemptTimeoutMs)))
        configuration.connectionPool.retryConnectionEstablishment = false
        if let file = options.caFile {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(file)
            configuration.tlsConfiguration = tls
        }
        configuration.proxy = options.proxy.map {
            .server(
                host: $0.host, port: $0.port,
                authorization: $0.login.map { .basic(username: $0.user, password: $0.password) })
        }
        return configuration
    }

    private static func checkedURL(_ text: String) throws -> String {
        var url = text
        while url.hasSuffix("/") { url.removeLast() }
        if url.hasSuffix(apiPath) { url.removeLast(apiPath.count) }
        let parsed = URL(string: url)
        guard let host = parsed?.host, !host.isEmpty,
            ["http", "https", "http+unix"].contains(parsed?.scheme ?? "")
        else {
            throw ClientError(
                .unconfigured, code: "INVALID_URL",
                message: "\"\(text)\" is no address of a server. Give one like http://127.0.0.1:8080.")
        }
        return url
    }

    private static func checkedKey(_ text: String) throws -> String {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ClientError(
                .unconfigured, code: "INVALID_KEY",
                message: "The API key is empty or has spaces or unusual characters. Give it as it was shown.")
        }
        return text
    }

    static let apiPath = "/api/v1"
}
