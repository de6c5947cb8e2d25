import AsyncHTTPClient
import CloudWire
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// One call of the API, which may take several attempts.
struct Call {
    var method: HTTPMethod
    /// Below the API's path, with its query.
    var target: String
    var body: [UInt8]?
    var idempotencyKey: String?
    /// Overrides the client's policy.
    var retry: RetryPolicy?

    init(
        _ method: HTTPMethod, _ target: String, body: [UInt8]? = nil, idempotencyKey: UUID? = nil,
        retry: RetryPolicy? = nil
    ) {
        self.method = method
        self.target = target
        self.body = body
        self.idempotencyKey = idempotencyKey?.uuidString.lowercased()
        self.retry = retry
    }
}

/// An answer as it came.
struct Answer {
    var status: Int
    var retryAfterSeconds: Int?
    var body: [UInt8]
}

extension StrettchClient {
    /// Sends the call and decodes the envelope of its answer.
    func call<Payload>(_ call: Call) async throws -> EnvelopeWire<Payload> {
        let answer = try await send(call)
        do {
            return try JSONDecoder().decode(EnvelopeWire<Payload>.self, from: Data(answer.body))
        } catch {
            throw ClientError.unreadable(
                url, status: answer.status, reason: "the body is not what it should be")
        }
    }

    /// Sends the call, again after failures that may pass, and returns the first answer of success.
    func send(_ call: Call) async throws -> Answer {
        let retry = call.retry ?? options.retry
        var attempt = 1
        while true {
            let failure: ClientError
            var retryAfterSeconds: Int?
            do {
                let answer = try await sendOnce(call)
                if (200..<300).contains(answer.status) { return answer }
                failure = refusal(answer)
                retryAfterSeconds = answer.retryAfterSeconds
            } catch let error as ClientError {
                failure = error
            }
            let most = failure.status == Self.tooManyRequests ? retry.limitedAttempts : retry.attempts
            guard attempt < most, Self.mayPass(failure) else { throw failure }
            let delay = retry.delay(
                afterAttempt: attempt, retryAfterSeconds: retryAfterSeconds, random: .random(in: 0..<1))
            try await options.clock.sleep(for: delay)
            attempt += 1
        }
    }

    /// Whether sending the same again may help. 502 and 504 come from a proxy whose server restarts.
    static func mayPass(_ failure: ClientError) -> Bool {
        switch failure.kind {
        case .unreachable: true
        case .refused, .unreadable: [tooManyRequests, 502, 503, 504].contains(failure.status)
        case .unconfigured: false
        }
    }

    /// The status of a server that limits how often a key may ask.
    private static let tooManyRequests = 429

    func refusal(_ answer: Answer) -> ClientError {
        do {
            return ClientError(
                status: answer.status, try JSONDecoder().decode(ErrorWire.self, from: Data(answer.body)))
        } catch {
            return .unreadable(url, status: answer.status, reason: "the body is no error of this API")
        }
    }

    /// One attempt. Throws `ClientError` when no whole answer came, and `CancellationError`.
    private func sendOnce(_ call: Call) async throws -> Answer {
        try await collect(try await execute(request(call)))
    }

    /// The answer's head, and its body to be read. Throws `ClientError` when none came.
    /// - Parameter limit: the longest that it may take; `nil`: as long as an attempt.
    func execute(
        _ request: HTTPClientRequest, within limit: TimeAmount? = nil
    ) async throws -> HTTPClientResponse {
        let deadline = NIODeadline.now() + (limit ?? .milliseconds(options.attemptTimeoutMs))
        do {
            return try await http.execute(request, deadline: deadline)
        } catch {
            try Task.checkCancellation()
            throw notReached(error)
        }
    }

    private func notReached(_ error: any Error) -> ClientError {
        // A certificate that is not trusted ends the handshake with this word of the TLS library's.
        if "\(error)".contains("CERTIFICATE_VERIFY_FAILED") { return .untrusted(url) }
        if let proxy = options.proxy, error is NIOConnectionError {
            return .proxyUnreachable(url, proxy: proxy, reason: Self.reason(error))
        }
        return .unreachable(url, reason: Self.reason(error))
    }

    /// The whole answer.
    func collect(_ response: HTTPClientResponse) async throws -> Answer {
        do {
            let body = try await response.body.collect(upTo: options.maxAnswerBytes)
            return Answer(
                status: Int(response.status.code),
                retryAfterSeconds: response.headers.first(name: "Retry-After").flatMap { Int($0) },
                body: Array(body.readableBytesView))
        } catch is NIOTooManyBytesError {
            throw ClientError.unreadable(
                url, status: Int(response.status.code),
                reason: "the body is larger than \(options.maxAnswerBytes) bytes")
        } catch {
            try Task.checkCancellation()
            throw ClientError.unreachable(url, reason: "the answer broke off: \(Self.reason(error))")
        }
    }

    func request(_ call: Call) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url + Self.apiPath + call.target)
        request.method = call.method
        request.headers.add(name: "Authorization", value: "Bearer \(key)")
        request.headers.add(name: "Accept", value: "application/json")
        request.headers.add(name: "User-Agent", value: "strettch")
        // A request has a Host (RFC 9112, section 3.2), for which the path of a unix socket is none.
        if url.hasPrefix("http+unix:") { request.headers.add(name: "Host", value: "localhost") }
        if let idempotencyKey = call.idempotencyKey {
            request.headers.add(name: "Idempotency-Key", value: idempotencyKey)
        }
        if let body = call.body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body)
        }
        return request
    }

    /// A few words for people.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError where error == .deadlineExceeded || error == .connectTimeout:
            "timed out"
        case let error as HTTPClientError where error == .remoteConnectionClosed: "the connection was closed"
        case let error as HTTPClientError where error == .proxyAuthenticationRequired:
            "the proxy on the way asks for a user and a password, as in http://USER:PASSWORD@HOST:PORT"
        // Safe: the C text is copied at once.
        case let error as IOError: String(cString: strerror(error.errnoCode)).lowercased()
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { reason($0.error) } ?? "its name is unknown"
        default: String(describing: error)
        }
    }
}
