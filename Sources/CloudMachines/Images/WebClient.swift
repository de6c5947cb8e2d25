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

/// Fetches from the web: follows redirects, and finds a way of its own to each address (`WebRoute`), since one redirect may
/// lead to another scheme or into the operator's own network.
struct WebClient: Sendable {
    private let route: WebRoute
    private let clients: Clients
    private let logger: Logger

    private static let maxRedirects = 5
    private static let redirects = [301, 302, 303, 307, 308]

    /// Runs `body` with a client whose connections are closed afterwards.
    static func with(
        _ configuration: HTTPClient.Configuration, route: WebRoute, logger: Logger,
        _ body: (WebClient) async throws -> Void
    ) async throws {
        var configuration = configuration
        configuration.redirectConfiguration = .disallow
        let client = WebClient(route: route, clients: Clients(configuration), logger: logger)
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
            let way = try await route.way(to: request.url)
            request.url = way.url
            let client = await clients.client(for: way)
            // The body has its own bound, the client's read timeout.
            let response = try await client.execute(request, deadline: .distantFuture, logger: logger)
            guard Self.redirects.contains(Int(response.status.code)) else { return (response, request.url) }
            request.url = try Self.target(of: response, from: request.url)
        }
        throw CloudError(
            .serviceUnavailable,
            "\(WebRoute.shown(request.url)) was reached after \(Self.maxRedirects) redirects, and leads on to another."
        )
    }

    private static func target(of response: HTTPClientResponse, from url: String) throws -> String {
        let location = response.headers.first(name: "location") ?? ""
        guard !location.isEmpty,
            let target = URL(string: location, relativeTo: URL(string: url))?.absoluteURL,
            ["http", "https"].contains(target.scheme?.lowercased())
        else {
            throw CloudError(
                .serviceUnavailable,
                "\(WebRoute.shown(url)) redirects to '\(location.shown)', which is not a web address.")
        }
        return target.absoluteString
    }

    /// A client for each proxy and each checked address, since the library's have one each.
    private actor Clients {
        private let configuration: HTTPClient.Configuration
        private var clients: [WebRoute.Way.Kind: HTTPClient] = [:]

        init(_ configuration: HTTPClient.Configuration) { self.configuration = configuration }

        func client(for way: WebRoute.Way) -> HTTPClient {
            if let client = clients[way.kind] { return client }
            var configuration = configuration
            switch way.kind {
            case .direct: break
            case .proxy(let proxy):
                // A proxy that refuses would be asked again until the time to connect is over.
                configuration.connectionPool.retryConnectionEstablishment = false
                configuration.proxy = .server(
                    host: proxy.host, port: proxy.port,
                    authorization: proxy.login.map { .basic(username: $0.user, password: $0.password) })
            // The name is what the server is asked for, and what its certificate must have.
            case .pinned(let host, let address): configuration.dnsOverride = [host: address]
            }
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            clients[way.kind] = client
            return client
        }

        func shutdown() async throws {
            for client in clients.values { try await client.shutdown() }
        }
    }
}
