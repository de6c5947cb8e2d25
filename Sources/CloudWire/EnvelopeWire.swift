/// What every successful answer is wrapped in.
public struct EnvelopeWire<Payload: Codable & Sendable>: Codable, Sendable {
    public var success: Bool
    public var message: String
    public var data: Payload
    /// Pagination, in lists alone.
    public var meta: MetaWire?
    /// What was accepted although it looks wrong.
    public var warnings: [String]?
    /// UUID of the request, the same as in the log.
    public var requestId: String
    public var timestamp: String

    public init(
        message: String = "Operation successful", data: Payload, meta: MetaWire? = nil,
        warnings: [String]? = nil,
        requestId: String, timestamp: String
    ) {
        self.success = true
        self.message = message
        self.data = data
        self.meta = meta
        self.warnings = warnings
        self.requestId = requestId
        self.timestamp = timestamp
    }
}

/// Where a page lies in its list.
public struct MetaWire: Codable, Sendable, Equatable {
    /// Items in the whole list; absent on a page that was asked for by cursor.
    public var total: Int?
    /// Absent on a page that was asked for by cursor.
    public var page: Int?
    public var limit: Int
    /// What to send as `cursor` for the next page; absent on the last one, and in lists that know no cursors.
    public var nextCursor: String?

    public init(total: Int?, page: Int?, limit: Int, nextCursor: String? = nil) {
        self.total = total
        self.page = page
        self.limit = limit
        self.nextCursor = nextCursor
    }
}

/// What every refused or failed request is answered with.
public struct ErrorWire: Codable, Sendable, Equatable {
    public var success: Bool
    public var code: String
    public var message: String
    /// Every field at fault, when the request is to blame.
    public var errors: [ProblemWire]?
    public var requestId: String
    public var timestamp: String

    public init(code: String, message: String, errors: [ProblemWire]?, requestId: String, timestamp: String) {
        self.success = false
        self.code = code
        self.message = message
        self.errors = errors
        self.requestId = requestId
        self.timestamp = timestamp
    }
}

/// One field at fault.
public struct ProblemWire: Codable, Sendable, Equatable {
    public var field: String
    public var message: String

    public init(field: String, message: String) {
        self.field = field
        self.message = message
    }
}

/// The answer of `GET /health`.
public struct HealthWire: Codable, Sendable, Equatable {
    /// `public-api`.
    public var service: String
    /// `ok`, or `failing` when a critical dependency is.
    public var status: String
    public var version: String
    /// Each critical dependency with `ok` or what is wrong with it.
    public var checks: [String: String]

    public init(service: String, status: String, version: String, checks: [String: String]) {
        self.service = service
        self.status = status
        self.version = version
        self.checks = checks
    }
}
