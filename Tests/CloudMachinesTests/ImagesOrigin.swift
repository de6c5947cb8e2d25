import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

@testable import CloudMachines

/// A web server on the loopback that serves one disk and its SHA256SUMS, as well or as badly as a test says.
final class ImagesOrigin: Sendable {
    struct Behaviour: Sendable {
        var bytes: [UInt8]
        var etag: String? = "\"one\""
        var honoursRange = true
        /// The connection is cut after so many bytes of the body: one entry for each request of the disk.
        var cuts: [Int] = []
        /// Answered for the disk instead of it: one entry for each request.
        var statuses: [HTTPResponse.Status] = []
        /// `nil`: the true ones.
        var sums: String?
        /// Whether the disk's length is told.
        var tellsLength = true
        /// Where requests below `/moved` are sent on to.
        var location: String?
    }

    struct Asked: Sendable, Equatable {
        var path: String
        var range: String?
        var ifRange: String?
    }

    let behaviour: Mutex<Behaviour>
    /// The requests so far, oldest first.
    var asked: [Asked] { log.withLock { $0 } }
    private let log = Mutex<[Asked]>([])

    private init(_ behaviour: Behaviour) { self.behaviour = Mutex(behaviour) }

    /// Serves on a free port while `body` runs with the server and its address.
    static func with(
        _ behaviour: Behaviour, _ body: @escaping @Sendable (ImagesOrigin, String) async throws -> Void
    ) async throws {
        let origin = ImagesOrigin(behaviour)
        let router = Router()
        router.get("**") { request, _ in origin.respond(request) }
        let (ports, port) = AsyncStream<Int>.makeStream()
        let silent = Logger(label: "origin") { _ in SwiftLogNoOpLogHandler() }
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in port.yield(channel.localAddress?.port ?? 0) }, logger: silent)
        let services = ServiceGroup(services: [application], logger: silent)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            var running = ports.makeAsyncIterator()
            let port = await running.next() ?? 0
            do {
                try await body(origin, "http://127.0.0.1:\(port)")
            } catch {
                await services.triggerGracefulShutdown()
                throw error
            }
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
        }
    }

    private func respond(_ request: Request) -> Response {
        let asked = Asked(
            path: request.uri.path, range: request.headers[.range], ifRange: request.headers[.ifRange])
        log.withLock { $0.append(asked) }
        let (now, cut, status) = behaviour.withLock { now in
            let isDisk = asked.path == "/disk.img"
            return (
                now, isDisk && !now.cuts.isEmpty ? now.cuts.removeFirst() : nil,
                isDisk && !now.statuses.isEmpty ? now.statuses.removeFirst() : nil
            )
        }
        if let status { return Response(status: status) }
        if asked.path.hasPrefix("/moved/"), let location = now.location {
            return Response(status: .found, headers: [.location: location])
        }
        switch asked.path {
        case "/disk.img": return disk(now, asked, cut: cut)
        case "/SHA512SUMS":
            let digest = FileDigest.hex(SHA512.hash(data: Data(now.bytes)))
            return Response(
                status: .ok, body: .init(byteBuffer: ByteBuffer(string: "\(digest)  ./disk.img\n")))
        case "/SHA256SUMS":
            return Response(
                status: .ok,
                body: .init(byteBuffer: ByteBuffer(string: now.sums ?? "\(sha256(now.bytes)) *disk.img\n")))
        default: return Response(status: .notFound)
        }
    }

    private func disk(_ now: Behaviour, _ asked: Asked, cut: Int?) -> Response {
        var headers = HTTPFields()
        if let etag = now.etag { headers[.eTag] = etag }
        var bytes = now.bytes[...]
        var status = HTTPResponse.Status.ok
        if now.honoursRange, asked.ifRange == now.etag, let range = asked.range,
            let first = Int(range.dropFirst("bytes=".count).dropLast())
        {
            guard first < bytes.count else {
                headers[.contentRange] = "bytes */\(bytes.count)"
                return Response(status: .rangeNotSatisfiable, headers: headers)
            }
            status = .partialContent
            headers[.contentRange] = "bytes \(first)-\(bytes.count - 1)/\(bytes.count)"
            bytes = bytes[first...]
        }
        let sent = cut.map { bytes.prefix($0) } ?? bytes
        let body = ResponseBody(contentLength: now.tellsLength ? bytes.count : nil) { writer in
            try await writer.write(ByteBuffer(bytes: sent))
            if cut != nil { throw CancellationError() }
            try await writer.finish(nil)
        }
        return Response(status: status, headers: headers, body: body)
    }
}

func sha256(_ bytes: [UInt8]) -> String {
    SHA256.hash(data: Data(bytes)).map { String(format: "%02x", $0) }.joined()
}
