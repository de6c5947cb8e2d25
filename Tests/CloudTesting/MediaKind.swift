/// What can be checked of a body, by its media type.
enum MediaKind {
    case json, text, bytes

    /// - Parameter type: in lower case, without parameters.
    init(_ type: String) {
        if type == "application/json" || type.hasSuffix("+json") {
            self = .json
        } else {
            self = type.hasPrefix("text/") ? .text : .bytes
        }
    }
}
