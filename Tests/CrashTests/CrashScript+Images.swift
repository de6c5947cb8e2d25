import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import CloudVerbs

@testable import CloudControl

extension CrashScript {
    /// Images of a team's own. One of a snapshot is in `snapshots`, on a host that is lost.
    static let images: [CrashScript] = [
        CrashScript(
            "an image of a compute", prepare: { try await $0.makeStopped() },
            run: { try await $0.makeImage(of: .compute(id: 1)) }),
        CrashScript(
            "an image of an upload", prepare: { try await $0.makeTeam() },
            run: { world in
                try await world.beginImage(of: .upload(ImageFile(.raw, sha256: "a"), size: 9))
                try await world.upload(1, size: 9)
                try await world.settle()
            }),
        CrashScript(
            "an image that fails", prepare: { try await $0.makeTeam() },
            run: { world in
                await world.simulated?.set(imageFailure: "the server answers 404")
                try await world.makeImage(of: CrashWorld.url)
            }),
        CrashScript(
            "a new name and a delete of an image",
            prepare: { world in
                try await world.makeTeam()
                try await world.makeImage(of: CrashWorld.url)
            },
            run: { world in
                try await world.changeImage(1, key: 6) { image, sql, nowMs in
                    try sql.imageVerbs.update(
                        image, ImageUpdate(name: "renamed"), by: .key(1), requestId: "r", nowMs: nowMs)
                }
                try await world.changeImage(1, key: 9) { image, sql, nowMs in
                    try sql.imageVerbs.delete(image, by: .key(1), requestId: "r", nowMs: nowMs)
                }
            }),
    ]
}

extension CrashWorld {
    static let url = ImageOrigin.url("https://images.example/a.raw", ImageFile(.raw, sha256: nil))

    func makeImage(of origin: ImageOrigin) async throws {
        try await beginImage(of: origin)
        try await settle()
    }

    /// Asks for an image until that is answered, with the same key.
    func beginImage(of origin: ImageOrigin) async throws {
        let request = try request("POST /images", key: 5)
        let new = NewTeamImage(teamId: 1, hostId: 1, slug: "golden", name: "golden", origin: origin)
        _ = try await insist("the image") {
            try await request.carryOut(
                .createImage, .changeComputes, in: $0.cloud, keptForLife: true, answer: Self.answerImage
            ) { sql, nowMs in
                let id = try sql.imageVerbs.begin(new, by: .key(1), requestId: "r", nowMs: nowMs)
                return try Self.image(id, sql)
            }
        }
    }

    func changeImage(
        _ id: Int64, key: Int,
        _ change: @escaping @Sendable (TeamImage, any SQLConnection, _ nowMs: Int64) throws -> Void
    ) async throws {
        let request = try request("PATCH /images/golden", key: key)
        _ = try await insist("the change of the image") {
            try await request.carryOut(
                .changeImage, .changeComputes, in: $0.cloud, answer: Self.answerImage
            ) { sql, nowMs in
                try change(try Self.image(id, sql), sql, nowMs)
                return try Self.image(id, sql)
            }
        }
        try await settle()
    }

    /// Sends the whole file until all of it has come.
    func upload(_ id: Int64, size: Int64) async throws {
        let clock = clock
        try await insist("the upload") { program in
            let image = try await program.cloud.database.read { sql in try Self.image(id, sql) }
            guard image.state == .uploading else { return }
            // As the API does with a host that does not take them.
            let received = try await withTimeout(
                Self.uploadLimit, by: clock,
                late: CloudError(.serviceUnavailable, "The host takes no upload.")
            ) {
                try await program.host.teamImages.receive(
                    image.onHost, size: size, from: 0, .of([[UInt8](repeating: 7, count: Int(size))]))
            }
            try await program.cloud.database.write(.receiveImage) { sql in
                try sql.imageVerbs.receive(
                    try Self.image(id, sql), received: received, nowMs: clock.nowMs)
            }
        }
    }

    private static let uploadLimit = Duration.seconds(60)

    private static func image(_ id: Int64, _ sql: any SQLConnection) throws -> TeamImage {
        guard let image = try sql.images.get(id) else { throw NeverTrue(what: "there is image \(id)") }
        return image
    }

    private static let answerImage: Answer<TeamImage> = { image, _ in
        "{\"data\":{\"id\":\"\(image.id)\"}}"
    }
}
