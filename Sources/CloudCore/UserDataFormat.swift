/// The formats of user data, by the content types that cloud-init has for them (cloud-init, "User data formats").
enum UserDataFormat {
    /// What a text begins with, in lower case, and its type; a longer beginning before those that begin it.
    private static let beginnings: [(text: String, type: String)] = [
        ("#cloud-config-archive", "text/cloud-config-archive"),
        ("#cloud-config-jsonp", "text/cloud-config-jsonp"), ("#cloud-config", "text/cloud-config"),
        ("#cloud-boothook", "text/cloud-boothook"), ("#include-once", "text/x-include-once-url"),
        ("#include", "text/x-include-url"), ("#part-handler", partHandler),
        ("## template: jinja", "text/jinja2"), ("#!", script),
    ]

    static let script = "text/x-shellscript"
    /// A part that brings a handler for types of its own.
    static let partHandler = "text/part-handler"

    /// The types of parts that cloud-init takes at their word.
    static let types = Set(
        beginnings.map(\.type)
            + ["per-boot", "per-instance", "per-once"].map { "\(script)-\($0)" })

    /// The types of parts whose beginning says what they are.
    static let open: Set<String> = ["text/plain", "text/x-not-multipart", script]

    static let gzip: Set<String> = [
        "application/gzip", "application/gzip-compressed", "application/gzipped", "application/x-compress",
        "application/x-compressed", "application/x-gunzip", "application/x-gzip",
        "application/x-gzip-compressed",
    ]

    /// The type of a text by its beginning, as cloud-init finds it: in any case, behind any white space.
    static func type(of text: some Collection<UInt8>) -> String? {
        let text = text.drop(while: isSpace)
        return beginnings.first { begins(text, with: $0.text) }?.type
    }

    /// Whether a text is a MIME message: it begins with a header's field, and soon says so (cloud-init,
    /// `convert_string`).
    static func isMessage(_ text: some Collection<UInt8>) -> Bool {
        guard beginsWithField(text) else { return false }
        return begins(text, with: "content-type:") || contains(text.prefix(4096), "mime-version:")
    }

    /// RFC 5322, section 2.2; or the line that mailboxes have before each message.
    private static func beginsWithField(_ text: some Collection<UInt8>) -> Bool {
        let name = text.prefix { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ":") }
        let isField = !name.isEmpty && text.dropFirst(name.count).first == UInt8(ascii: ":")
        return isField || begins(text, with: "from ")
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    static func begins(_ text: some Collection<UInt8>, with lowercase: String) -> Bool {
        text.prefix(lowercase.utf8.count).elementsEqual(lowercase.utf8, by: { lower($0) == $1 })
    }

    private static func contains(_ text: some Collection<UInt8>, _ lowercase: String) -> Bool {
        var rest = text[...]
        while rest.count >= lowercase.utf8.count {
            if begins(rest, with: lowercase) { return true }
            rest = rest.dropFirst()
        }
        return false
    }

    private static func lower(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
