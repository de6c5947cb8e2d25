/// The paths that a route serves: segments between slashes, of which one may be `{name}`, for any one segment, and the last
/// `**`, for any that follow, or none. Slashes that follow each other count as one.
struct PathPattern: Sendable {
    let text: String
    private let segments: [Substring.UTF8View]
    private let parameterIndex: Int?
    private let isOpen: Bool

    /// How exactly it says a path. Where several serve one, the most exact does.
    enum Exactness: Int, Sendable {
        case literal, parameter, open
    }

    init(_ text: String) {
        self.text = text
        isOpen = text.hasSuffix("/**")
        segments = isOpen ? text.segments.dropLast() : text.segments
        parameterIndex = segments.firstIndex { $0.first == UInt8(ascii: "{") }
    }

    var exactness: Exactness { isOpen ? .open : parameterIndex == nil ? .literal : .parameter }

    /// What stands in the place of the parameter in a path that is served; `nil` where there is none.
    func parameter(of path: String) -> String? {
        parameterIndex.map { String(Substring(path.segments[$0])) }
    }

    /// - Parameter theirs: those of the path, by `String.segments`.
    func serves(_ theirs: [Substring.UTF8View]) -> Bool {
        (isOpen ? segments.count <= theirs.count : segments.count == theirs.count)
            && segments.indices.allSatisfy {
                $0 == parameterIndex || segments[$0].elementsEqual(theirs[$0])
            }
    }
}

extension String {
    /// What stands between the slashes.
    var segments: [Substring.UTF8View] { utf8.split(separator: UInt8(ascii: "/")) }
}
