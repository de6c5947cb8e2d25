import CloudWire

/// How images are shown to people.
enum OutputImage {
    static func list(_ images: [ImageWire]) -> String {
        OutputTable(
            header: ["SLUG", "SCOPE", "NAME", "STATE", "SIZE"],
            rows: images.map {
                [$0.image, $0.scope ?? "public", "\($0.imageName) \($0.displayName)", "READY", "-"]
            }
        ).text
    }
}
