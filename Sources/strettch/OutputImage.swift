import CloudMachines
import CloudWire

/// How images are shown to people.
enum OutputImage {
    /// A table of images, or what to do when there are none.
    static func list(_ images: [AnyImageWire]) -> String {
        guard !images.isEmpty else {
            return "There are no images. Make one with: strettch image create SLUG --snapshot SNAPSHOT"
        }
        return OutputTable(header: ["SLUG", "SCOPE", "NAME", "STATE", "SIZE"], rows: images.map(row)).text
    }

    private static func row(_ image: AnyImageWire) -> [String] {
        switch image {
        case .ofCatalogue(let image):
            [image.image, image.scope ?? "public", "\(image.imageName) \(image.displayName)", "READY", "-"]
        case .ofTeam(let image):
            [image.image, image.scope, image.name, state(image), image.bytes.map(OutputSnapshot.size) ?? "-"]
        }
    }

    /// All that is known of one image, a line each.
    static func detail(_ image: AnyImageWire) -> String {
        switch image {
        case .ofCatalogue(let image):
            OutputText.clean(
                lines: OutputText.facts(
                    [
                        ("slug", image.image), ("scope", image.scope ?? "public"),
                        ("name", "\(image.imageName) \(image.displayName)"), ("version", image.version),
                        ("minStorageGb", image.minStorageGb.map { String($0) }),
                    ], width: 14))
        case .ofTeam(let image): detail(image)
        }
    }

    private static func detail(_ image: TeamImageWire) -> String {
        OutputText.clean(
            lines: OutputText.facts(
                [
                    ("slug", image.image), ("id", image.id), ("scope", image.scope), ("name", image.name),
                    ("state", image.state), ("action", image.task?.action),
                    ("step", image.task.map(OutputCompute.step)),
                    ("failure", image.failure.map { "\($0.code): \($0.message)" }),
                    ("origin", origin(image.origin)), ("format", image.format),
                    ("received", image.size.map { "\(image.received ?? 0) of \($0) bytes" }),
                    ("sha256", image.sha256), ("size", image.bytes.map(OutputSnapshot.size)),
                    ("minStorageGb", image.minStorageGb.map { String($0) }),
                    ("protected", image.deletionProtection ? "from deletion" : nil),
                    ("cost", image.cost), ("createdAt", image.createdAt), ("updatedAt", image.updatedAt),
                ], width: 14))
    }

    private static func origin(_ origin: ImageOriginWire) -> String {
        [origin.kind, origin.id, origin.url].compactMap(\.self).joined(separator: " ")
    }

    /// What to say of an image that was accepted and is not waited for.
    static func accepted(_ image: TeamImageWire) -> String {
        OutputText.clean(lines: [
            "\(name(image)) is \(image.state).", "Look at it with: strettch image get \(image.image)",
        ])
    }

    /// What to say of an image that is there.
    static func ready(_ image: TeamImageWire) -> String {
        OutputText.clean(lines: [
            "\(name(image)) is \(image.state)\(image.bytes.map { ", \(OutputSnapshot.size($0))" } ?? "").",
            "Make a compute of it with: strettch compute create NAME --image \(image.image)",
        ])
    }

    /// What to say of an image after a change.
    static func changed(_ image: TeamImageWire) -> String { "\(name(image)) is \(image.state)." }

    /// `GOLDEN (431)`.
    static func name(_ image: TeamImageWire) -> String { OutputText.clean("\(image.image) (\(image.id))") }

    private static func state(_ image: TeamImageWire) -> String {
        image.task.map { "\(image.state) (\($0.step))" } ?? image.state
    }

    /// How far the work on a file is.
    static func progress(_ verb: String, _ done: Int64, of size: Int64) -> ImageProgress {
        ImageProgress(
            "\(verb), \(done >> 20) of \(size >> 20) MiB",
            fraction: size > 0 ? Double(done) / Double(size) : nil)
    }
}
