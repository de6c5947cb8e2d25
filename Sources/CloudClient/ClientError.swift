import CloudWire

/// Why a call of the API has no result: the server refused it, or there was no answer that could be used.
public struct ClientError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Who is at fault, and so what may help.
    public enum Kind: Sendable, Equatable {
        /// The server answered with an error; `code`, `message`, `problems` and `requestId` are its own.
        case refused
        /// No server answered.
        case unreachable
        /// Something answered that does not speak this API.
        case unreadable
        /// The call was never sent, since what it needs is missing or wrong on this side: url, key, credentials file.
        case unconfigured
    }

    public var kind: Kind
    /// The HTTP status, where there was an answer.
    public var status: Int?
    /// The server's code, or one of ours: `UNREACHABLE`, `UNREADABLE_ANSWER`, `INVALID_URL`, `INVALID_KEY`,
    /// `NO_CREDENTIALS`, `INVALID_CREDENTIALS`.
    public var code: String
    /// What was wrong, with which value, and what to do next.
    public var message: String
    /// Names the request in the server's log.
    public var requestId: String?
    /// The members of the request at fault.
    public var problems: [ProblemWire]

    public init(
        _ kind: Kind, status: Int? = nil, code: String, message: String, requestId: String? = nil,
        problems: [ProblemWire] = []
    ) {
        self.kind = kind
        self.status = status
        self.code = code
        self.message = message
        self.requestId = requestId
        self.problems = problems
    }

    public var description: String { "\(code): \(message)" }
}

extension ClientError {
    init(status: Int, _ error: ErrorWire) {
        self.init(
            .refused, status: status, code: error.code, message: error.message, requestId: error.requestId,
            problems: error.errors ?? [])
    }

    static func unreachable(_ url: String, reason: String) -> ClientError {
        ClientError(
            .unreachable, code: "UNREACHABLE",
            message: "No answer from \(url) (\(reason)). Is `strettch serve` running there?")
    }

    /// The server's certificate, or its name, is not one that this machine trusts.
    static func untrusted(_ url: String) -> ClientError {
        ClientError(
            .unreachable, code: "UNTRUSTED",
            message:
                "The certificate of \(url) is not trusted here: its issuer is unknown, it is for another name, or "
                + "it has expired. Name a file with the issuer's certificate in STRETTCH_CA_FILE, or put it into "
                + "/usr/local/share/ca-certificates and run update-ca-certificates.")
    }

    /// The proxy that the environment names can't be reached.
    static func proxyUnreachable(_ url: String, proxy: StrettchClient.Proxy, reason: String) -> ClientError {
        ClientError(
            .unreachable, code: "UNREACHABLE",
            message: "The proxy \(proxy.host):\(proxy.port), which \(url) is asked through, does not answer "
                + "(\(reason)). Correct http_proxy or https_proxy, or name the server in no_proxy.")
    }

    static func unreadable(_ url: String, status: Int, reason: String) -> ClientError {
        ClientError(
            .unreadable, status: status, code: "UNREADABLE_ANSWER",
            message: "\(url) answered \(status), and \(reason). Is this the address of a strettch server?")
    }
}
