import CloudCore
import CloudDatabase
import Logging
import ServiceLifecycle
import Synchronization

/// Keeps the database's word for this program: at its start, when its host is registered late, and then every half minute.
public struct LinkRegistration: Service {
    private let identity: LinkIdentity
    private let answersAPI: Bool
    private let name: String
    private let database: any Database
    private let clock: any CloudClock
    private let host: (@Sendable () -> OwnedHost?)?
    private let address = AddressBox()
    private let logger: Logger

    /// Between two looks whether the host is registered, and after a failure.
    private static let retry = Duration.seconds(1)

    /// - Parameters:
    ///   - name: for people, where there is no host.
    ///   - host: the host that the program's worker owns now; `nil`: the program has no worker.
    public init(
        identity: LinkIdentity, answersAPI: Bool, name: String, database: any Database,
        clock: any CloudClock, host: (@Sendable () -> OwnedHost?)?, logger: Logger
    ) {
        self.identity = identity
        self.answersAPI = answersAPI
        self.name = name
        self.database = database
        self.clock = clock
        self.host = host
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let pause = await register() ? LinkRecord.refresh : Self.retry
                try? await clock.sleep(for: pause)  // throws when cancelled, and the loop ends
            }
        }
    }

    /// Says where others reach the program, and lets the database say so at once.
    public func listens(at address: IPv4Endpoint) async {
        self.address.set(address)
        _ = await register()
    }

    /// Whether the database names the program as it is.
    func register() async -> Bool {
        let owned = host?()
        // A worker without a host is nobody yet.
        guard owned != nil || host == nil else { return false }
        let link = RegisterLink(
            fingerprint: identity.fingerprint, answersAPI: answersAPI, name: name, address: address.value)
        do {
            if try await !link.isKnown(in: database, host: owned) {
                try await link.run(in: database, host: owned, clock: clock)
            }
            return true
        } catch {
            if !Task.isCancelled {
                logger.error(
                    "This server could not be named to the others of the cell; trying again.",
                    metadata: ["error": "\(error)"])
            }
            return false
        }
    }
}

/// Where the program listens, once it does.
private final class AddressBox: Sendable {
    private let address = Mutex<IPv4Endpoint?>(nil)

    var value: IPv4Endpoint? { address.withLock { $0 } }

    func set(_ address: IPv4Endpoint) { self.address.withLock { $0 = address } }
}
