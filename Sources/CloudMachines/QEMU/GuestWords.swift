/// Words of a guest's QEMU or its agent. A guest may have chosen them, so they are cut short and made fit for its owner and for
/// a log.
enum GuestWords {
    /// Characters that are kept.
    static let limit = 200

    /// Only printable ASCII is kept: QEMU has no other words.
    static func shown(_ words: String) -> String {
        String(
            String.UnicodeScalarView(words.unicodeScalars.filter { (" "..."~").contains($0) }.prefix(limit)))
    }
}
