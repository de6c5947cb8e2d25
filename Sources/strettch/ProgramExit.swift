import CloudClient
import CloudCore

/// What the program's exit status tells a script. The one place where they are given out; `docs/cli.md` lists them.
enum ProgramExit: Int32, CaseIterable {
    case ok = 0
    /// Any failure that has no status of its own.
    case failure = 1
    /// There is no such compute, image, region or specification.
    case notFound = 3
    /// The server, or this program on its behalf, refuses what was asked for: it breaks a rule.
    case refused = 4
    /// The API key is missing, unknown, or not allowed to do this.
    case unauthorized = 5
    /// It does not fit the present state of things.
    case conflict = 6
    /// The server can't be reached, or can't answer at the moment.
    case unavailable = 7
    /// The compute failed, or did not get there in time.
    case notReached = 8
    /// The command line itself is wrong. Given out by the argument parser (`EX_USAGE` of sysexits).
    case usage = 64
    /// Whoever read the output has gone before its end, as `head` does: what a shell gives for SIGPIPE.
    case readerGone = 141

    init(_ error: any Error) {
        switch error {
        case let error as CommandFailure: self = error.exit
        case let error as OutputFailure: self = error.isReaderGone ? .readerGone : .failure
        case let error as ClientError: self.init(error)
        case let error as CloudError: self.init(error.code)
        default: self = .failure
        }
    }

    private init(_ error: ClientError) {
        switch error.kind {
        case .unreachable, .unreadable: self = .unavailable
        case .unconfigured: self = error.code == "INVALID_URL" ? .refused : .unauthorized
        case .refused:
            switch error.status ?? 500 {
            case 401, 403: self = .unauthorized
            case 404: self = .notFound
            case 409: self = .conflict
            case 400 where error.code == ErrorCode.computeRunning.rawValue: self = .conflict
            case 429: self = .unavailable
            case 400..<500: self = .refused
            default: self = .unavailable
            }
        }
    }

    private init(_ code: ErrorCode) {
        switch code {
        case .unauthorized, .forbidden, .insufficientBalance, .teamPastDue, .teamSuspended, .teamTerminated:
            self = .unauthorized
        case .resourceNotFound: self = .notFound
        case .conflict, .computeRunning: self = .conflict
        case .badRequest, .validationError, .malformedJSON, .invalidIdempotencyKey,
            .methodNotAllowed, .payloadTooLarge, .unsupportedMediaType, .unprocessableEntity:
            self = .refused
        case .tooManyRequests, .internalServerError, .serviceUnavailable: self = .unavailable
        }
    }
}

/// A failure on this side of the API, with the exit status that it means.
struct CommandFailure: Error, Equatable {
    var exit: ProgramExit
    /// A code as the API has them, where there is one.
    var code: String?
    /// What was wrong, with which value, and what to do next.
    var message: String

    init(_ exit: ProgramExit, code: String? = nil, _ message: String) {
        self.exit = exit
        self.code = code
        self.message = message
    }
}
