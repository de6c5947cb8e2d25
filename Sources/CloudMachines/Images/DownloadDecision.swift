import CloudCore

/// What the answer to a download request means: a function from values to values (RFC 9110, sections 13 to 15).
enum DownloadDecision: Equatable {
    /// The body goes on where the part ends; `total` bytes in all, if known.
    case append(total: Int64?)
    /// The body is the whole file: what was there before is worthless.
    case restart(total: Int64?)
    /// The part is the whole file already.
    case complete
    /// The part does not fit what the server has: begin anew.
    case discard(String)
    /// Another try may succeed.
    case retry(String)
    /// No try will.
    case fail(String)

    /// The fields of an answer that matter.
    struct Answer: Equatable {
        var status: Int
        var contentLength: Int64?
        /// `bytes 100-199/200`, or `bytes */200` with status 416.
        var contentRange: String?
    }

    /// `offset` is how many bytes the part had when the request was sent; 0 when no range was asked for.
    static func decide(_ answer: Answer, offset: Int64) -> DownloadDecision {
        switch answer.status {
        case 200: return .restart(total: answer.contentLength)
        case 206:
            guard let range = ContentRange(answer.contentRange), range.first == offset else {
                return .discard("a range was asked for from byte \(offset), and another one came")
            }
            return .append(total: range.total)
        case 416:
            return ContentRange(answer.contentRange)?.total == offset && offset > 0
                ? .complete : .discard("the server has no byte \(offset)")
        case 408, 425, 429, 500...599: return .retry("the server answered \(answer.status)")
        case 401, 403: return .fail("the server refuses it (\(answer.status))")
        case 404, 410: return .fail("the server does not have it (\(answer.status))")
        default: return .fail("the server answered \(answer.status)")
        }
    }

    /// A `Content-Range` header (RFC 9110, section 14.4).
    struct ContentRange: Equatable {
        /// `nil` for `*`.
        var first: Int64?
        var total: Int64?

        init?(_ text: String?) {
            guard let text, text.hasPrefix("bytes ") else { return nil }
            let parts = text.dropFirst(6).split(separator: "/", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            total = Int64(parts[1])
            if parts[0] == "*" { return }
            guard let number = parts[0].split(separator: "-").first.flatMap({ Int64($0) }) else { return nil }
            first = number
        }
    }
}

/// What is known of a part on disk: it is worth resuming only for the same address and the same version.
struct DownloadPart: Codable, Equatable {
    var url: String
    /// A strong ETag or a Last-Modified date: what `If-Range` takes (RFC 9110, section 13.1.5).
    var validator: String

    /// `nil` when the server gave nothing that tells versions apart.
    init?(url: String, etag: String?, lastModified: String?) {
        let strong = etag.flatMap { $0.hasPrefix("\"") ? $0 : nil }
        guard let validator = strong ?? lastModified else { return nil }
        self.url = url
        self.validator = validator
    }
}
