/// Texts as C reads them.
final class CStrings {
    private let texts: [UnsafeMutablePointer<CChar>?]
    /// Valid as long as this is.
    let pointers: UnsafeMutablePointer<UnsafePointer<CChar>?>

    init(_ texts: [String?]) {
        // Safe: each copy, and the array, is freed once, by deinit.
        self.texts = texts.map { text in text.map { copy($0) } }
        pointers = .allocate(capacity: max(1, texts.count))
        for (index, text) in self.texts.enumerated() {
            (pointers + index).initialize(to: text.map { UnsafePointer($0) })
        }
    }

    deinit {
        pointers.deallocate()
        for text in texts { text?.deallocate() }
    }
}

private func copy(_ text: String) -> UnsafeMutablePointer<CChar> {
    let bytes = text.utf8CString
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    for (index, byte) in bytes.enumerated() { (copy + index).initialize(to: byte) }
    return copy
}
