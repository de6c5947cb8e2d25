/// What a guest's cloud-init runs for its owner at the first boot (cloud-init, "User data formats").
public enum UserData {
    /// Bytes. Other clouds take 16 KiB too, so what works there works here.
    public static let maxLength = 16384

    /// How the formats that cloud-init knows begin.
    static let beginnings = [
        "#cloud-config", "#!", "#cloud-boothook", "#include", "#part-handler", "## template: jinja",
        "Content-Type:",
        "MIME-Version:",
    ]

    /// What is wrong with `text`, or `nil`.
    public static func problem(_ text: String) -> String? {
        if text.isEmpty { return "is empty. Leave it out, or send what cloud-init shall run." }
        if text.utf8.count > maxLength {
            return "has \(text.utf8.count) bytes. Send at most \(maxLength); fetch more with #include."
        }
        if text.utf8.contains(0) { return "has a zero byte. Send text." }
        guard beginnings.contains(where: { text.hasPrefix($0) }) else {
            return "begins with nothing that cloud-init knows. Begin with #cloud-config or #!/bin/sh."
        }
        return nil
    }
}
