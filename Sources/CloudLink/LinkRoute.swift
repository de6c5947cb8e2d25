import CloudCore
import NIOHTTP1

/// One thing that can be asked of a host's desk: a line in `all`, and a call in `LinkedDesk` that asks for it.
struct LinkRoute: Sendable {
    /// Who may ask.
    enum Askers { case anyone, servers, hosts }

    /// What comes back.
    enum Answer {
        case text(String)
        case bytes(ByteStream)
    }

    /// For the metrics.
    let name: String
    let method: HTTPMethod
    /// Segments of the path; one that begins with a colon is a parameter.
    let path: [Substring]
    let askers: Askers
    /// Whether the request has a body. It is handed on as it comes.
    let hasBody: Bool
    let answer: @Sendable (LinkRequest, any HostDesk) async throws -> Answer

    private init(
        _ name: String, _ method: HTTPMethod, _ path: Substring, for askers: Askers, hasBody: Bool = false,
        _ answer: @escaping @Sendable (LinkRequest, any HostDesk) async throws -> Answer
    ) {
        self.name = name
        self.method = method
        self.path = path.split(separator: "/")
        self.askers = askers
        self.hasBody = hasBody
        self.answer = answer
    }

    /// All that can be asked. Servers of the API ask for their callers, hosts for what another host keeps.
    static let all = [
        LinkRoute("hello", .GET, "/hello", for: .anyone) { _, _ in .text("hello") },
        LinkRoute(
            "receive", .PUT, "/images/:image/:created/content/:offset/:size", for: .servers, hasBody: true
        ) { request, desk in
            let received = try await desk.receive(
                try request.image, size: try request.number("size"), from: try request.number("offset"),
                request.body)
            return .text("\(received)")
        },
        LinkRoute("file", .GET, "/images/:image/:created/files/:name/:offset", for: .hosts) { request, desk in
            .bytes(
                try await desk.file(
                    try request.fileName, of: try request.image, from: try request.number("offset")))
        },
    ]

    /// The route of a request, with its parameters; `nil`: nothing is asked so.
    static func find(_ head: HTTPRequestHead) -> (route: LinkRoute, parameters: [String: Substring])? {
        let segments = head.uri.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard head.uri.hasPrefix("/") else { return nil }
        for route in all where route.method == head.method {
            if let parameters = route.parameters(segments) { return (route, parameters) }
        }
        return nil
    }

    private func parameters(_ segments: [Substring]) -> [String: Substring]? {
        guard segments.count == path.count else { return nil }
        var parameters: [String: Substring] = [:]
        for (wanted, segment) in zip(path, segments) {
            if wanted.hasPrefix(":") {
                parameters[String(wanted.dropFirst())] = segment
            } else if wanted != segment {
                return nil
            }
        }
        return parameters
    }

    /// Whether the program may ask.
    func isOpen(to peer: LinkRecord) -> Bool {
        switch askers {
        case .anyone: true
        case .servers: peer.answersAPI
        case .hosts: peer.host != nil
        }
    }
}

/// A request with what its path names, all of which is checked when it is taken.
struct LinkRequest: Sendable {
    let parameters: [String: Substring]
    let body: ByteStream

    /// A whole number that is not negative, in the one way in which we write it. Throws `BAD_REQUEST`.
    func number(_ name: String) throws -> Int64 {
        let text = parameters[name] ?? ""
        guard let number = Int64(text), number >= 0, String(number) == text else {
            throw Self.malformed(name, text)
        }
        return number
    }

    var image: ImageOnHost {
        get throws { ImageOnHost(id: try number("image"), createdAtMs: try number("created")) }
    }

    /// A name that can be nothing but that of a file in one folder: a letter or digit, then such, dots, hyphens or underscores.
    var fileName: String {
        get throws {
            let text = parameters["name"] ?? ""
            guard (1...Self.longestName).contains(text.utf8.count), text.utf8.allSatisfy(Self.isPlain),
                text.first != ".", text.first != "-"
            else { throw Self.malformed("name", text) }
            return String(text)
        }
    }

    private static let longestName = 64

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func malformed(_ name: String, _ text: Substring) -> CloudError {
        CloudError(
            .badRequest,
            "'\(String(text).shown)' is not a valid \(name). Run the same version of the program on all machines of the cell."
        )
    }
}
