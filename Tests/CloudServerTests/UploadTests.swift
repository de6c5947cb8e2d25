import CloudControl
import CloudCore
import CloudTesting
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization
import Testing

@testable import CloudServer

/// A route whose bodies are handed on as they come; it answers with the number of their bytes.
private let upload = Route(
    .put, "/images/{slug}/content", access: .key(guests: .none),
    body: .upload(UploadBody(["application/octet-stream", "application/x-qcow2"], maxBytes: 10))
) { request, context in
    var bytes = 0
    for try await part in request.body { bytes += part.readableBytes }
    return Response(status: .created, headers: [.eTag: "\(context.parameter) \(bytes)"])
}

@Suite("A body that is handed on as it comes")
struct UploadTests {
    /// Parts of a body, and how many of them were taken.
    private final class Parts: AsyncSequence, Sendable {
        typealias Element = ByteBuffer

        private let parts: [String]
        private let next = Mutex(0)
        var taken: Int { next.withLock { $0 } }

        init(_ parts: [String]) { self.parts = parts }

        func makeAsyncIterator() -> Iterator { Iterator(parts: self) }

        struct Iterator: AsyncIteratorProtocol {
            let parts: Parts

            mutating func next() async throws -> ByteBuffer? {
                parts.next.withLock { next in
                    guard next < parts.parts.count else { return nil }
                    next += 1
                    return ByteBuffer(string: parts.parts[next - 1])
                }
            }
        }
    }

    private static func put(
        _ parts: [String], type: String? = "application/octet-stream", length: Int? = nil,
        withKey: Bool = true
    ) async throws -> (answer: TestResponder.Answer, taken: Int) {
        let outcome = Mutex<(TestResponder.Answer, Int)?>(nil)
        try await TestCloud.with { cloud in
            var fields: HTTPFields = [:]
            if withKey { fields[.authorization] = "Bearer \(try #require(cloud.keys[.owner]))" }
            fields[.contentType] = type
            fields[.contentLength] = length.map { "\($0)" }
            let body = Parts(parts)
            let answer = try await TestResponder(cloud, [upload]).answer(
                .put, "/images/DEBIAN-12/content", fields, body: RequestBody(asyncSequence: body))
            outcome.withLock { $0 = (answer, body.taken) }
        }
        let (answer, taken) = try #require(outcome.withLock { $0 })
        return (answer, taken)
    }

    @Test("comes to the handler part by part, of each of the types, with a length or without")
    func whole() async throws {
        for (type, length) in [
            ("application/octet-stream", 10), ("Application/X-QCOW2; a=b", nil),
        ] as [(String, Int?)] {
            let (answer, taken) = try await Self.put(["01234", "56789"], type: type, length: length)
            #expect(answer.status == .created && answer.headers[.eTag] == "DEBIAN-12 10")
            #expect(taken == 2)
        }
    }

    @Test("is refused unread where the head says that it is too large, of another type, or nobody's")
    func refused() async throws {
        let large = try await Self.put(["0"], length: 11)
        #expect(large.answer.status == .contentTooLarge && large.taken == 0)
        #expect(large.answer.text.contains("larger than 10 bytes"))
        for type in [nil, "application/json", "application/octet-stream-x"] {
            let other = try await Self.put(["0"], type: type)
            #expect(other.answer.status == .unsupportedMediaType && other.taken == 0)
            #expect(other.answer.text.contains("'application/octet-stream' or 'application/x-qcow2'"))
        }
        let nobody = try await Self.put(["0"], withKey: false)
        #expect(nobody.answer.status == .unauthorized && nobody.taken == 0)
    }

    @Test("ends with 413 at the byte that is too many, where no length was told")
    func tooMany() async throws {
        let (answer, taken) = try await Self.put(["0123456789", "0", "1", "2"])
        #expect(answer.status == .contentTooLarge && answer.text.contains("\"PAYLOAD_TOO_LARGE\""))
        #expect(taken == 2, "the rest is not read")
    }

    @Test("passes through the listener, whole or in chunks, and waits for leave where its client does")
    func listener() async throws {
        try await ListeningCloud.with(routes: [upload]) { cloud in
            let options = [
                "--http1.1", "--dump-header", "-", "--header", "Authorization: Bearer \(cloud.key)",
                "--header", "Expect: 100-continue",
            ]
            let inChunks = ["--upload-file", "-"]
            for sent in [inChunks, ["--request", "PUT", "--data-binary", "0123456789"]] {
                let answer = try await cloud.curl(
                    options + sent + ["--header", "Content-Type: application/octet-stream"],
                    "/images/TINY-1/content", input: "0123456789")
                #expect(answer.contains(" 100 ") && answer.contains(" 201 "), "\(answer)")
                #expect(answer.lowercased().contains("etag: tiny-1 10"), "\(answer)")
            }
            let refused = try await cloud.curl(options + inChunks, "/images/TINY-1/content", input: "x")
            #expect(refused.contains(" 415 ") && !refused.contains(" 100 "), "\(refused)")
        }
    }
}

@Suite("The body of a key request")
struct KeyBodyTests {
    @Test("that is no object is answered with what a key's is, and a compute's with what a compute's is")
    func advice() async throws {
        try await TestCloud.with { cloud in
            for (method, path, example) in [
                (.post, "/keys", #"Send {"name": …, "role": …}."#),
                (.post, "/computes", #"Send {"hostName": …}."#),
                (.patch, "/computes/1/upsize", #"Send {"newSpecification": …}."#),
            ] as [(HTTPRequest.Method, String, String)] {
                let headers = ["Idempotency-Key": TestCloud.newKey()]
                let list = try await cloud.send(method, path, headers: headers, body: "[]")
                #expect(list.code == "VALIDATION_ERROR")
                #expect(list.json["message"]?.string == "The body is no JSON object. \(example)")
                let long = #"{"a": "\#(String(repeating: "a", count: 65536))"}"#
                let large = try await cloud.send(method, path, headers: headers, body: long)
                #expect(large.code == "PAYLOAD_TOO_LARGE")
                #expect(large.json["message"]?.string?.contains("keys and tags") == (path != "/keys"))
            }
        }
    }
}
