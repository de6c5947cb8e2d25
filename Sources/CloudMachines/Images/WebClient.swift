import AsyncHTTPClient
import CloudCore
import Logging
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Fetches from the web: follows redirects, and goes through the proxy that the environment names for each address on the
/// way, since one redirect may lead to another scheme or into the operator's own network.
struct WebClient: Sendable {
    private let proxies: ProxySettings
    private let clients: Clients
    private let logger: Logger

    private static let maxRedirects = 5
    private static let redirects = [301, 302, 303, 307, 308]

    /// Runs `body` with a client whose connections are closed afterwards.
    static func with(
        _ configuration: HTTPClient.Configuration, proxies: ProxySettings, logger: Logger,
        _ body: (WebClient) async throws -> Void
    ) async throws {
        var configuration = configuration
        configuration.redirectConfiguration = .disallow
        let client = WebClient(proxies: proxies, clients: Clients(configuration), logger: logger)
        do {
            try await body(client)
        } catch {
            try await client.clients.shutdown()
            throw error
        }
        try await client.clients.shutdown()
    }

    /// The answer, and the address that gave it. Throws what the connection throws, and `CloudError` for a redirect that can't
    /// be followed and a proxy that can't be used.
    func execute(_ request: HTTPClientRequest) async throws -> (response: HTTPClientResponse, url: String) {
        var request = request
        for _ in 0...Self.maxRedirects {
            let client = await clients.client(through: try proxies.proxy(for: request.url))
            // The body has its own bound, the client's read timeout.
            let response = try await client.execute(request, deadline: .distantFuture, logger: logger)
            guard Self.redirects.contains(Int(response.status.code)) else { return (response, request.url) }
            request.url = try Self.target(of: response, from: request.url)
        }
        throw CloudError(
            .serviceUnavailable,
            "\(request.url) was reached after \(Self.maxRedirects) redirects, and leads on to another.")
    }

    private static func target(of response: HTTPClientResponse, from url: String) throws -> String {
        let location = response.headers.first(name: "location") ?? ""
        guard !location.isEmpty,
            let target = URL(string: location, relativeTo: URL(string: url))?.absoluteURL,
            ["http", "https"].contains(target.scheme?.lowercased())
        else {
            throw CloudError(
                .serviceUnavailable, "\(url) redirects to '\(location.shown)', which is not a web address.")
        }
        return target.absoluteString
    }

    /// A client for each proxy, since the library's have one each.
    private actor Clients {
        private let configuration: HTTPClient.Configuration
        private var clients: [ProxyAddress?: HTTPClient] = [:]

        init(_ configuration: HTTPClient.Configuration) { self.configuration = configuration }

        func client(through proxy: ProxyAddress?) -> HTTPClient {
            if let client = clients[proxy] { return client }
            var configuration = configuration
            // A proxy that refuses would be asked again until the time to connect is over.
            configuration.connectionPool.retryConnectionEstablishment = proxy == nil
            configuration.proxy = proxy.map {
                .server(
                    host: $0.host, port: $0.port,
                    authorization: $0.login.map { .basic(username: $0.user, password: $0.password) })
            }
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            clients[proxy] = client
            return client
        }

        func shutdown() async throws {
            for client in clients.values { try await client.shutdown() }
        }
    }
}
