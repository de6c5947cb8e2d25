import FoundationEssentials

/// A place in a list that runs from newest to oldest: behind the item with this id. Clients get it as an opaque text
/// and send it back; it carries nothing but the place.
///
/// Ids only grow and never come back, so a walk by cursors neither skips nor repeats an item that is there throughout,
/// whatever comes and goes meanwhile.
public struct Cursor: Sendable, Equatable {
    /// The lists that know cursors. One list's cursor is refused by another.
    public enum List: Character, Sendable, CaseIterable {
        case computes = "c"
        case events = "e"
        case snapshots = "s"
    }

    /// Longer texts are refused unread.
    public static let maxLength = 64
    private static let version: Character = "1"

    public var list: List
    /// Only items with a smaller id follow.
    public var before: Int64

    public init(_ list: List, before: Int64) {
        self.list = list
        self.before = before
    }

    /// `nil` for a text that was never given out for this list.
    public init?(_ text: String, of list: List) {
        guard text.utf8.count <= Self.maxLength, let data = Data(base64Encoded: Self.padded(text)),
            let plain = String(validating: data, as: UTF8.self), plain.first == Self.version,
            plain.dropFirst().first == list.rawValue, let before = Int64(plain.dropFirst(2)), before > 0
        else { return nil }
        self.init(list, before: before)
        // One text for each place: what decodes alike but reads otherwise was made up.
        guard text == self.text else { return nil }
    }

    /// Base64url without padding (RFC 4648, section 5), at most 32 characters.
    public var text: String {
        Data("\(Self.version)\(list.rawValue)\(before)".utf8).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func padded(_ text: String) -> String {
        text.replacing("-", with: "+").replacing("_", with: "/")
            + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
    }
}
