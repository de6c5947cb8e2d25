/// The error codes of the public API (API reference, "Error codes"). Raw values are what clients see.
public enum ErrorCode: String, Sendable, CaseIterable {
    case badRequest = "BAD_REQUEST"
    case validationError = "VALIDATION_ERROR"
    case malformedJSON = "MALFORMED_JSON"
    case invalidIdempotencyKey = "INVALID_IDEMPOTENCY_KEY"
    case computeRunning = "COMPUTE_RUNNING"
    case unauthorized = "UNAUTHORIZED"
    case forbidden = "FORBIDDEN"
    case insufficientBalance = "INSUFFICIENT_BALANCE"
    case teamPastDue = "TEAM_PAST_DUE"
    case teamSuspended = "TEAM_SUSPENDED"
    case teamTerminated = "TEAM_TERMINATED"
    case resourceNotFound = "RESOURCE_NOT_FOUND"
    case methodNotAllowed = "METHOD_NOT_ALLOWED"
    case conflict = "CONFLICT"
    case payloadTooLarge = "PAYLOAD_TOO_LARGE"
    case unsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE"
    case unprocessableEntity = "UNPROCESSABLE_ENTITY"
    case tooManyRequests = "TOO_MANY_REQUESTS"
    case internalServerError = "INTERNAL_SERVER_ERROR"
    case serviceUnavailable = "SERVICE_UNAVAILABLE"
}

/// One thing that is wrong with one field of a request.
public struct Problem: Sendable, Equatable {
    /// The field as the client wrote it, with an index where it is a list: `publicKeys[0]`.
    public var field: String
    /// What is wrong, with which value, and what to send instead.
    public var message: String

    public init(_ field: String, _ message: String) {
        self.field = field
        self.message = message
    }
}

/// The one error type of the project: a code to decide by, a message for the user, a detail for the log alone.
public struct CloudError: Error, Sendable, Equatable, CustomStringConvertible {
    public var code: ErrorCode
    /// For the user: what was wrong, with which value, and what to do next. Never holds a secret.
    public var message: String
    /// For the operator's log alone.
    public var detail: String?
    /// The fields at fault, all of them, when the request is to blame.
    public var problems: [Problem]

    public init(_ code: ErrorCode, _ message: String, detail: String? = nil, problems: [Problem] = []) {
        self.code = code
        self.message = message
        self.detail = detail
        self.problems = problems
    }

    /// A broken invariant of ours: 500 for the client, critical in the log.
    public static func bug(_ detail: String) -> CloudError {
        CloudError(
            .internalServerError,
            "The server could not answer this request. Try again; if it persists, give the operator the requestId.",
            detail: detail)
    }

    /// All problems of a request's fields, reported together.
    public static func invalid(_ problems: [Problem]) -> CloudError {
        CloudError(
            .validationError,
            problems.count == 1
                ? "\(problems[0].field): \(problems[0].message)"
                : "The request has \(problems.count) problems: see errors.",
            problems: problems)
    }

    /// All problems of a request's parameters, reported together.
    public static func parameters(_ problems: [Problem]) -> CloudError {
        CloudError(
            .badRequest, problems.map { "\($0.field): \($0.message)" }.joined(separator: " "),
            problems: problems)
    }

    public var description: String { "\(code.rawValue): \(message)" + (detail.map { " [\($0)]" } ?? "") }
}
