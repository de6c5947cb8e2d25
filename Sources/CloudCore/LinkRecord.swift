/// One program of the cell, as the others know it when it connects to them: a row of `links`. Its certificate was made for
/// this one run of the program, and is accepted only as long as the database names it.
public struct LinkRecord: Sendable, Equatable {
    /// SHA-256 of the certificate in DER, 64 hexadecimal digits in lower case.
    public var fingerprint: String
    /// The host that the program's worker owns, with the epoch of the ownership; `nil`: it has none.
    public var host: OwnedHost?
    /// Whether it answers the API, and so asks hosts for callers.
    public var answersAPI: Bool
    /// For people: the host's name, or the machine's.
    public var name: String
    /// Where it listens for others, as ADDRESS:PORT; `nil`: nowhere.
    public var address: IPv4Endpoint?

    /// A program without a host says every `refresh` that it lives, and is accepted for `aliveMs` after that. Those with a
    /// host are accepted as long as they own it.
    public static let refresh = Duration.seconds(30)
    /// In milliseconds. Its key is gone with the program, so nobody else can use what is left of the time.
    public static let aliveMs: Int64 = 300_000

    public init(
        fingerprint: String, host: OwnedHost?, answersAPI: Bool, name: String, address: IPv4Endpoint?
    ) {
        self.fingerprint = fingerprint
        self.host = host
        self.answersAPI = answersAPI
        self.name = name
        self.address = address
    }
}
