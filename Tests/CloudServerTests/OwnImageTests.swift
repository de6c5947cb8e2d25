import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting
import HTTPTypes
import Testing

@Suite("Computes that start with an image of their team's own")
struct OwnImageTests {
    @Test("an image that is not READY is refused with 409, its state and the remedy")
    func notReady() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.beginImage(
                of: .upload(ImageFile(.raw, sha256: String(repeating: "a", count: 64)), size: 9))
            let answer = try await cloud.create(TestCloud.body(image: "\"golden\""))
            #expect(answer.status == 409)
            #expect(
                answer.text.contains("UPLOADING") && answer.text.contains("/images/golden/content?offset=0"))
        }
    }

    @Test("an image that is larger than the specification's disk is refused with 422")
    func tooLarge() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.readyImage(of: try await cloud.createAndSettle())
            let answer = try await cloud.create(
                TestCloud.body(image: "\"golden\"", specification: "\"S-1C\""))
            #expect(answer.status == 422)
            #expect(answer.text.contains("needs 20480 MiB"))
        }
    }

    @Test("a team's own goes before one of the catalogue that came later, and another team has none of it")
    func ownFirst() async throws {
        try await TestCloud.with { cloud in
            let image = try await cloud.readyImage("TINY-1", of: try await cloud.createAndSettle())
            _ = try await cloud.createAndSettle()
            let compute = try await cloud.database.read { sql in try sql.computes.get(4) }
            #expect(compute?.imageId == image)
            try await cloud.database.write { sql in
                _ = try sql.execute("UPDATE images SET slug = 'golden' WHERE id = $1", [image])
            }
            let other = try await cloud.create(TestCloud.body(image: "\"golden\""), as: .stranger)
            #expect(other.status == 404)
        }
    }

    @Test("a dry run with one takes it too, and makes nothing")
    func dryRun() async throws {
        try await TestCloud.with { cloud in
            let image = try await cloud.readyImage(of: try await cloud.createAndSettle())
            let answer = try await cloud.send(
                .post, "/computes?dryRun=true", headers: ["Idempotency-Key": TestCloud.newKey()],
                body: TestCloud.body(image: "\"golden\""))
            #expect(answer.status == 200, "\(answer.text)")
            #expect(try await cloud.users(ofImage: image) == [])
        }
    }
}
