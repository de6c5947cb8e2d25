import FoundationEssentials

/// What a guest's cloud-init runs for its owner at the first boot (cloud-init, "User data formats").
public struct UserData: Sendable, Equatable {
    /// Bytes, as sent. Other clouds take 16 KiB too, so what works there works here.
    public static let maxLength = 16384
    /// Bytes of user data that was sent as gzip, and of all its parts together that are gzip, once expanded.
    public static let maxExpandedLength = 262_144

    public enum Form: Sendable, Equatable {
        /// One text, whose beginning says what it is.
        case text
        /// A MIME message, which may have many parts.
        case message
    }

    public let form: Form
    /// Neither base64 nor gzip, whatever was sent, and without white space or a byte order mark before its beginning. Where
    /// the first line of a text ends as Windows ends lines, they all end in a line feed, as cloud-init has scripts.
    public let text: String
    /// What cloud-init would leave out of it, each without the name of the field.
    public let warnings: [String]

    /// Why a text is not user data.
    public struct Refusal: Error, Equatable {
        public var message: String
    }

    /// Reads a text as it was sent: the user data itself, or base64 of it, or base64 of gzip of it.
    public init(_ sent: String) throws(Refusal) {
        if sent.isEmpty {
            throw Refusal(message: "is empty. Leave it out, or send what cloud-init shall run.")
        }
        if sent.utf8.count > Self.maxLength {
            throw Refusal(
                message:
                    "has \(sent.utf8.count) bytes. Send at most \(Self.maxLength): as base64 of gzip, or fetch more with #include."
            )
        }
        if let form = Self.form(of: Array(sent.utf8)) {
            self = try UserData(form, Array(sent.utf8))
            return
        }
        guard let packed = Self.base64(sent) else { throw Self.unknown }
        guard packed.starts(with: Gzip.beginning) else {
            guard let form = Self.form(of: packed) else { throw Self.unknown }
            self = try UserData(form, packed)
            return
        }
        let expanded = try Self.expand(packed, "")
        guard let form = Self.form(of: expanded) else { throw Self.unknown }
        self = try UserData(form, expanded)
    }

    private init(_ form: Form, _ bytes: [UInt8]) throws(Refusal) {
        guard !bytes.contains(0) else { throw Refusal(message: "has a zero byte. Send text.") }
        guard let text = String(validating: Self.beginning(bytes), as: UTF8.self) else {
            throw Refusal(message: "is not UTF-8. Send text, or a MIME message whose parts are base64.")
        }
        self.form = form
        switch form {
        case .text:
            self.text = Self.withLineFeeds(text)
            warnings = []
        case .message:
            self.text = text
            warnings = try UserDataMessage(text).warnings
        }
    }

    private static func withLineFeeds(_ text: String) -> String {
        guard text.first(where: \.isNewline) == "\r\n" else { return text }
        return String(text.map { $0 == "\r\n" ? "\n" : $0 })
    }

    /// What is wrong with `text`, or `nil`.
    public static func problem(_ text: String) -> String? {
        do {
            _ = try UserData(text)
            return nil
        } catch {
            return error.message
        }
    }

    /// Whether it is a script, which guests without cloud-init run too.
    public var isScript: Bool { form == .text && UserDataFormat.type(of: text.utf8) == UserDataFormat.script }

    // MARK: - As it was sent

    private static let unknown = Refusal(
        message:
            "begins with nothing that cloud-init knows. Begin with #cloud-config or #!/bin/sh, or send a MIME message, or base64 of one of them or of gzip."
    )

    private static func form(of bytes: [UInt8]) -> Form? {
        let text = beginning(bytes)
        if UserDataFormat.type(of: text) != nil { return .text }
        return UserDataFormat.isMessage(text) ? .message : nil
    }

    /// The bytes without what editors put before the first line: a byte order mark, and white space.
    private static func beginning(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.drop(while: UserDataFormat.isSpace)
        return text.starts(with: byteOrderMark)
            ? text.dropFirst(byteOrderMark.count).drop(while: UserDataFormat.isSpace) : text
    }

    /// `nil` for what is not base64, with line breaks or without.
    private static func base64(_ text: String) -> [UInt8]? {
        Data(base64Encoded: Data(text.utf8.filter { !UserDataFormat.isSpace($0) })).map(Array.init)
    }

    /// - Parameters:
    ///   - what: names the part, with a space behind it.
    ///   - limit: bytes that it may have, which is less than for one alone behind other parts.
    static func expand(
        _ packed: [UInt8], _ what: String, limit: Int = maxExpandedLength
    ) throws(Refusal) -> [UInt8] {
        do throws(Gzip.Problem) {
            return try Gzip.expand(packed, limit: limit)
        } catch {
            switch error {
            case .damaged:
                throw Refusal(message: "\(what)is gzip that is cut short or damaged. Send it whole.")
            case .tooLong:
                let others = limit < maxExpandedLength ? ", together with the parts before it" : ""
                throw Refusal(
                    message:
                        "\(what)is gzip of more than \(maxExpandedLength) bytes\(others). Send less, and fetch more with #include."
                )
            }
        }
    }
}
