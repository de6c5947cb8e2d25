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

/// Downloads one image: resumed where an earlier try ended, verified before anyone sees it, within bounds of tries,
/// time and size.
struct ImageDownload: Sendable {
    var image: String
    var url: String
    /// `nil`: whatever comes is taken.
    var checksum: ImageChecksum?
    var folder: ImageFolder
    var limits: ImageLimits
    var route: WebRoute
    var logger: Logger
    var progress: @Sendable (ImageProgress) -> Void
    /// What to do when the address is wrong, for the message.
    var remedy = "Look at the image's url in the catalogue."
    /// What to do when the bytes are not those that were expected.
    var digestRemedy = "Either the catalogue is out of date or the file was tampered with on its way."

    private static let maxSumsBytes = 1 << 20
    private static let connectSeconds: Int64 = 15
    /// A try that brought this much counts as progress: the count of tries begins anew.
    private static let progressBytes: Int64 = 1 << 20

    /// A failure that another try may not have.
    private struct Transient: Error { var reason: String }

    /// Leaves the verified bytes in `folder.part`.
    func complete() async throws {
        try await withTimeout(.seconds(limits.downloadSeconds), late: late) {
            var configuration = HTTPClient.Configuration(
                timeout: .init(
                    connect: .seconds(Self.connectSeconds), read: .seconds(Int64(limits.stallSeconds))))
            configuration.httpVersion = .http1Only
            try await WebClient.with(configuration, route: route, logger: logger, download)
        }
    }

    private func download(_ client: WebClient) async throws {
        let expected = try await expectedDigest(client)
        let actual = try await retrying("downloading \(shown)") {
            try await fetch(client, expected?.algorithm ?? .sha256)
        }
        if let expected, actual != expected.hex {
            try removePart()
            throw CloudError(
                .serviceUnavailable,
                """
                \(shown) has the \(expected.algorithm.name) \(actual), and \(expected.hex) was expected; the download was \
                thrown away. \(digestRemedy)
                """)
        }
        try HostFiles.remove(folder.partState)
    }

    private func removePart() throws(CloudError) {
        try HostFiles.remove(folder.part)
        try HostFiles.remove(folder.partState)
    }
}

// MARK: - The file

extension ImageDownload {
    /// One try. Returns the digest of the whole file.
    private func fetch(_ client: WebClient, _ algorithm: DigestAlgorithm) async throws -> String {
        let known = readState()
        if known == nil { try removePart() }
        let part = try PartFile(folder.part, algorithm)
        let offset = part.size
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "User-Agent", value: "strettch")
        if let known, offset > 0 {
            request.headers.add(name: "Range", value: "bytes=\(offset)-")
            request.headers.add(name: "If-Range", value: known.validator)
        }
        let response = try await send(client, request).response
        let answer = DownloadDecision.Answer(
            status: Int(response.status.code),
            contentLength: response.headers.first(name: "content-length").flatMap { Int64($0) },
            contentRange: response.headers.first(name: "content-range"))
        switch DownloadDecision.decide(answer, offset: offset) {
        case .complete: return try part.finish()
        case .append(let total):
            logger.info("download resumed", metadata: ["url": "\(shown)", "offset": "\(offset)"])
            return try await receive(response, into: part, total: total)
        case .restart(let total):
            try part.restart()
            try writeState(response.headers)
            return try await receive(response, into: part, total: total)
        case .discard(let reason):
            try removePart()
            throw Transient(reason: reason)
        case .retry(let reason): throw Transient(reason: reason)
        case .fail(let reason):
            throw CloudError(
                .serviceUnavailable,
                "\(shown) can't be downloaded: \(reason). \(remedy)")
        }
    }

    private func send(_ client: WebClient, _ request: HTTPClientRequest) async throws
        -> (response: HTTPClientResponse, url: String)
    {
        do {
            return try await client.execute(request)
        } catch let error as CancellationError {
            throw error
        } catch let error as CloudError {
            throw error
        } catch let error as HTTPClientError where error == .proxyAuthenticationRequired {
            throw CloudError(
                .serviceUnavailable,
                "The proxy on the way to \(request.url) asks for a user and a password. Put them into https_proxy, or "
                    + "http_proxy: http://USER:PASSWORD@HOST:PORT")
        } catch {
            throw Transient(reason: "\(error)")
        }
    }

    private func receive(
        _ response: HTTPClientResponse, into part: PartFile, total: Int64?
    ) async throws -> String {
        if let total {
            try checkSize(total)
            try limits.checkSpace(
                folder.path, bytes: UInt64(max(0, total - part.size)), what: "Image \(image)")
        }
        var chunks = response.body.makeAsyncIterator()
        while let chunk = try await next(&chunks) {
            try checkSize(part.size + Int64(chunk.readableBytes))
            try part.append(chunk)
            progress(.transfer("downloading", part.size, of: total))
        }
        if let total, part.size != total {
            throw Transient(reason: "the connection ended after \(part.size) of \(total) bytes")
        }
        return try part.finish()
    }

    private func next(_ chunks: inout HTTPClientResponse.Body.AsyncIterator) async throws -> ByteBuffer? {
        do {
            return try await chunks.next()
        } catch let error as CancellationError {
            throw error
        } catch {
            throw Transient(reason: "the connection was lost (\(error))")
        }
    }

    private func checkSize(_ bytes: Int64) throws(CloudError) {
        guard bytes > limits.maxImageBytes else { return }
        try removePart()
        throw CloudError(
            .serviceUnavailable,
            "\(shown) is larger than \(limits.maxImageBytes >> 20) MiB, the most that an image may have.")
    }

    private func readState() -> DownloadPart? {
        guard let bytes = HostFiles.read(folder.partState),
            // What can't be read is not resumed.
            let state = try? JSONDecoder().decode(DownloadPart.self, from: Data(bytes)), state.url == url
        else { return nil }
        return state
    }

    private func writeState(_ headers: HTTPHeaders) throws {
        let state = DownloadPart(
            url: url, etag: headers.first(name: "etag"), lastModified: headers.first(name: "last-modified"))
        guard let state else { return try HostFiles.remove(folder.partState) }
        try HostFiles.write([UInt8](JSONEncoder().encode(state)), to: folder.partState)
    }
}

// MARK: - Checksum, retries, time

extension ImageDownload {
    /// The address without its query, which may hold a secret.
    private var shown: String { WebRoute.shown(url) }

    private func expectedDigest(_ client: WebClient) async throws -> ExpectedDigest? {
        switch checksum {
        case nil: return nil
        case .sha256(let digest): return ExpectedDigest(algorithm: .sha256, hex: digest.lowercased())
        case .sums(let sums):
            progress(ImageProgress("reading checksums"))
            let text = try await retrying("reading \(sums)") { try await fetchText(client, sums) }
            let name = String(URL(string: url)?.lastPathComponent ?? "")
            guard let digest = ChecksumFile.digest(of: name, in: text) else {
                throw CloudError(
                    .serviceUnavailable,
                    "\(sums) does not list \(name). Look at the image's url and checksums in the catalogue.")
            }
            return digest
        }
    }

    private func fetchText(_ client: WebClient, _ address: String) async throws -> String {
        let (response, found) = try await send(client, HTTPClientRequest(url: address))
        if address.lowercased().hasPrefix("https:"), !found.lowercased().hasPrefix("https:") {
            throw CloudError(.serviceUnavailable, "\(address) leads to \(found), without TLS.")
        }
        switch DownloadDecision.decide(.init(status: Int(response.status.code)), offset: 0) {
        case .restart:
            do {
                return String(buffer: try await response.body.collect(upTo: Self.maxSumsBytes))
            } catch is NIOTooManyBytesError {
                throw CloudError(.serviceUnavailable, "\(address) is larger than \(Self.maxSumsBytes) bytes.")
            } catch let error as CancellationError {
                throw error
            } catch {
                throw Transient(reason: "\(error)")
            }
        case .retry(let reason): throw Transient(reason: reason)
        case .fail(let reason), .discard(let reason):
            throw CloudError(
                .serviceUnavailable, "\(address) can't be read: \(reason). Look at the catalogue.")
        case .append, .complete: throw CloudError(.serviceUnavailable, "\(address) answered with a part.")
        }
    }

    /// Tries until it works, fails for good, or `downloadAttempts` tries on end brought nothing.
    private func retrying<Value>(_ what: String, _ body: () async throws -> Value) async throws -> Value {
        var attempt = 1
        var backoffMs = limits.firstBackoffMs
        var had = partSize
        while true {
            do {
                return try await body()
            } catch let error as Transient {
                if partSize - had >= Self.progressBytes { (attempt, backoffMs) = (1, limits.firstBackoffMs) }
                had = partSize
                guard attempt < limits.downloadAttempts else {
                    throw CloudError(
                        .serviceUnavailable,
                        "After \(attempt) tries, \(what) failed: \(error.reason). Is this host connected?")
                }
                progress(ImageProgress("trying again (\(error.reason))"))
                logger.warning(
                    "download interrupted", metadata: ["what": "\(what)", "reason": "\(error.reason)"])
                try await Task.sleep(for: .milliseconds(backoffMs))
                attempt += 1
                backoffMs = min(backoffMs * 2, limits.maxBackoffMs)
            }
        }
    }

    private var partSize: Int64 { HostFiles.stamp(folder.part)?.size ?? 0 }

    private var late: CloudError {
        CloudError(
            .serviceUnavailable,
            """
            \(shown) did not arrive within \(limits.downloadSeconds) s. What came is kept, and the next try goes on \
            from there.
            """)
    }
}
