import CloudControl
import CloudCore
import CloudMachines
import CloudTesting
import Crypto
import HTTPTypes
import Testing

/// A disk file, of as many bytes as a simulated host cares for.
private let file = Array("a disk".utf8)

private func digest(_ bytes: [UInt8]) -> String {
    SHA256.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

@Suite("The upload of an image's file")
struct ImageUploadTests {
    @Test("goes part by part, each from where the last ended, and the image is made once all has come")
    func parts() async throws {
        try await TestCloud.with { cloud in
            let made = try await cloud.createUpload(of: file)
            #expect(made.data?["state"]?.string == "UPLOADING")
            #expect(made.data?["size"]?.number == 6 && made.data?["received"]?.number == 0)
            #expect(made.data?["sha256"]?.string == digest(file))
            #expect(made.data?["format"]?.string == "qcow2")
            let first = try await cloud.sendContent(Array(file[..<2]))
            #expect(first.status == 200 && first.data?["received"]?.number == 2, "\(first.text)")
            #expect(first.data?["state"]?.string == "UPLOADING")
            // A part may come twice, over what is there.
            #expect(try await cloud.sendContent(Array(file[..<4])).data?["received"]?.number == 4)
            let beyond = try await cloud.sendContent([0], from: 5)
            #expect(beyond.code == "CONFLICT")
            #expect(try await cloud.sendContent(Array(file[4...]), from: 4).data?["received"]?.number == 6)
            try await cloud.settle()
            #expect(try await cloud.imageState("GOLDEN-1") == "READY")
            let late = try await cloud.sendContent(file)
            #expect(late.code == "CONFLICT" && late.fields == ["slug"])
        }
    }

    @Test("is refused beyond the size that was told, and beyond the largest")
    func tooLarge() async throws {
        var settings = CloudSettings.test
        settings.maxImageBytes = 8
        try await TestCloud.with(settings: settings) { cloud in
            let large = try await cloud.createUpload(of: Array(repeating: 0, count: 9))
            #expect(large.status == 422 && large.fields == ["size"])
            _ = try await cloud.createUpload(of: file)
            #expect(try await cloud.sendContent(file + [0]).code == "PAYLOAD_TOO_LARGE")
            #expect(try await cloud.sendContent(Array(repeating: 0, count: 9)).code == "PAYLOAD_TOO_LARGE")
            #expect(try await cloud.sendContent([0], from: 7).fields == ["offset"])
            for offset in ["-1", "x", "1.5"] {
                let answer = try await cloud.sendContent([0], query: "?offset=\(offset)")
                #expect(answer.code == "BAD_REQUEST" && answer.fields == ["offset"])
            }
        }
    }

    @Test("of which the host can make nothing fails the image, and says why")
    func failed() async throws {
        try await TestCloud.with { cloud in
            await cloud.host.set(imageFailure: "the file has another SHA-256")
            _ = try await cloud.createUpload(of: file)
            _ = try await cloud.sendContent(Array("a dusk".utf8))
            try await cloud.settle()
            let failed = try await cloud.send(.get, "/images/GOLDEN-1")
            #expect(failed.data?["state"]?.string == "FAILED")
            #expect(failed.data?["failure"]?["message"]?.string?.contains("another SHA-256") == true)
        }
    }

    @Test("is ended by the image's deletion")
    func deleted() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.createUpload(of: file)
            _ = try await cloud.sendContent([file[0]])
            #expect(try await cloud.send(.delete, "/images/GOLDEN-1").status == 202)
            #expect(try await cloud.sendContent(file).code == "CONFLICT")
            try await cloud.settle()
            #expect(try await cloud.sendContent(file).status == 404)
        }
    }

    @Test("is one of four at once, and an image one of 64")
    func limits() async throws {
        try await TestCloud.with { cloud in
            for number in 1...TeamImage.mostUploads {
                #expect(try await cloud.createUpload(of: file, slug: "U\(number)").status == 202)
            }
            let fifth = try await cloud.createUpload(of: file, slug: "U5")
            #expect(fifth.status == 422, "\(fifth.text)")
            #expect(try await cloud.sendContent(file, to: "U1").status == 200)
            try await cloud.settle()
            #expect(try await cloud.createUpload(of: file, slug: "U5").status == 202)
        }
    }

    @Test("needs a way to the host, and says so where there is none")
    func noWay() async throws {
        try await TestCloud.with(hostLinks: { _ in NoHostLinks() }) { cloud in
            _ = try await cloud.createUpload(of: file)
            let answer = try await cloud.sendContent(file)
            #expect(answer.code == "SERVICE_UNAVAILABLE")
            #expect(answer.json["message"]?.string?.contains("no way to host") == true)
        }
    }
}

extension TestCloud {
    /// - Parameter members: those that say what it is made of, as JSON.
    func createImage(
        _ members: String, slug: String = "GOLDEN-1", key: String? = nil, as caller: Key = .of(.owner)
    ) async throws -> TestAnswer {
        try await send(
            .post, "/images", as: caller, headers: key.map { ["Idempotency-Key": $0] } ?? [:],
            body: #"{"slug": "\#(slug)", \#(members)}"#)
    }

    func createUpload(
        of file: [UInt8], slug: String = "GOLDEN-1", key: String? = nil, as caller: Key = .of(.owner)
    ) async throws -> TestAnswer {
        try await createImage(
            #""size": \#(file.count), "sha256": "\#(digest(file))""#, slug: slug, key: key, as: caller)
    }

    func sendContent(
        _ bytes: [UInt8], to slug: String = "GOLDEN-1", from offset: Int? = nil, query: String? = nil,
        as caller: Key = .of(.owner)
    ) async throws -> TestAnswer {
        let query = query ?? offset.map { "?offset=\($0)" } ?? ""
        return try await sendBytes(.put, "/images/\(slug)/content\(query)", as: caller, bytes)
    }

    /// An image of the file, READY.
    func uploadAndSettle(_ file: [UInt8], slug: String = "GOLDEN-1") async throws {
        _ = try await createUpload(of: file, slug: slug)
        _ = try await sendContent(file, to: slug)
        try await settle()
    }

    func imageState(_ slug: String) async throws -> String? {
        try await send(.get, "/images/\(slug)").data?["state"]?.string
    }
}
