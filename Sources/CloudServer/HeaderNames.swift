import HTTPTypes

/// Header fields that are not in the registry of HTTPTypes.
extension HTTPField.Name {
    static let idempotencyKey = named("Idempotency-Key")
    static let idempotentReplayed = named("Idempotent-Replayed")
    static let rateLimitLimit = named("x-ratelimit-limit")
    static let rateLimitRemaining = named("x-ratelimit-remaining")
    static let rateLimitReset = named("x-ratelimit-reset")
    /// WHATWG HTML, "Server-sent events".
    static let lastEventId = named("Last-Event-ID")
    static let requestId = named("X-Request-Id")
    static let resourceId = named("X-Resource-ID")
    static let forwarded = named("Forwarded")
    static let forwardedFor = named("X-Forwarded-For")
    static let host = named("Host")

    /// Ends the program for a text that is no field name: the names above are constants, and every test meets them.
    private static func named(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("'\(name)' is no field name") }
        return name
    }
}

extension HTTPFields {
    /// What the subscript returns, for fields that every request has: one that is there once is not joined with itself.
    func value(of name: HTTPField.Name) -> String? {
        var found: String?
        for field in self where field.name == name {
            guard found == nil else { return self[name] }
            found = field.value
        }
        return found
    }
}
