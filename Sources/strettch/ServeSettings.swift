import CloudControl
import CloudCore
import CloudMachines
import CloudServer
import Configuration
import Foundation

/// What `strettch serve` runs with: flags first, then the environment (`STRETTCH_…`), then the configuration file,
/// then the defaults.
struct ServeSettings: Sendable {
    var role: ServeRole
    /// The machine that the server works on.
    var host: HostSettings
    /// Which of the hosts that have room a new compute gets.
    var placement: Placement.Policy
    /// `HOST:PORT`, or `unix:PATH`.
    var listen: CloudServer.Listen
    /// Certificate and key of the listener; `nil`: no TLS.
    var tls: TLSFiles?
    /// Connections that the listener serves at once.
    var maxConnections: Int
    /// Proxies whose word is taken for where requests come from.
    var trustedProxies: TrustedProxies
    /// Whose pages may read answers in a browser; `nil`: nobody's.
    var crossOrigin: CrossOrigin?
    /// Where `/metrics` is, for this machine alone; `nil`: nowhere.
    var metrics: CloudServer.Listen?
    /// A catalogue of the operator's own.
    var catalogue: String?
    var network: NetworkMode
    var privateRange: IPv4Network
    var teamPrefix: Int
    var publicPool: [IPv4Network]
    var sshPorts: ClosedRange<Int>
    /// Where the metadata service of a bridged host listens.
    var metadataListen: IPv4Endpoint
    /// What guests of a bridged host ask for names; empty: what the host asks.
    var nameservers: [IPv4Address]
    /// Connections of a guest at once, in each direction.
    var guestConnections: Int
    /// Whether guests reach the internet in user mode, and with it all that the host's user reaches.
    var userModeInternet: Bool
    /// The API as guests reach it, base path included; `nil`: by the metadata service.
    var apiUrl: String?
    /// Refuse keys of a known type that no SSH server accepts, instead of warning.
    var strictKeys: Bool
    /// Requests that one API key may send in a second; 0: any number.
    var rateLimit: Int
    /// The same of all keys of a team together.
    var teamRateLimit: Int
    /// Guests that may boot at once.
    var bootSlots: Int
    /// Guests that are kept booted ahead of computes: `IMAGE/SPECIFICATION=COUNT`, with commas (`WarmGoal.list`).
    var warm: String
    /// Seconds that a guest has to shut down before its power is taken.
    var stopGrace: Int
    /// Seconds that a machine without a compute is left alone before it is removed.
    var orphanGrace: Int
    var billing: BillingSettings
    var logLevel: String
    var logFormat: LogFormat
    /// Machines are pretended.
    var simulated: Bool
    /// Milliseconds that each call to a pretended machine takes.
    var simulatedDelay: Int
    var database: DatabaseSettings

    /// Keys of one team that can use up their limits together, unless `teamRateLimit` says otherwise.
    static let keysOfTeam = 10

    /// - Parameters:
    ///   - flags: what was given on the command line, by the settings' names.
    ///   - file: a YAML file with the settings' names as members.
    ///   - usesEnvironment: whether `STRETTCH_…` goes before the file.
    /// Throws `VALIDATION_ERROR` that names the setting, its value and the remedy.
    init(flags: [String: ConfigValue], file: String?) async throws {
        try self.init([
            SettingSources.flags(flags),
            SettingSources.environment(ProcessInfo.processInfo.environment),
            file.map(SettingSources.file) ?? [:],
        ])
    }

    /// - Parameter sources: settings by their names, each source before those that it overrides.
    init(_ sources: [[String: ConfigValue]]) throws {
        let reader = SettingReader(sources)

        role = try Self.role(try reader.string("role"))
        host = try HostSettings(reader)
        placement = try Self.placement(try reader.string("placement"))
        listen = try Self.listen("listen", try reader.string("listen"))
        tls = try Self.tls(
            certificate: try reader.string("tlsCertificate"), key: try reader.string("tlsKey"))
        maxConnections = try reader.int("maxConnections")
        trustedProxies = try Self.proxies(try reader.string("trustedProxies"))
        crossOrigin = try Self.crossOrigin(try reader.string("corsOrigins"))
        metrics = try Self.metrics(try reader.string("metrics"))
        let catalogue = try reader.string("catalogue")
        self.catalogue = catalogue.isEmpty ? nil : catalogue
        network = try Self.network(try reader.string("network"))
        privateRange = try Self.block("privateRange", try reader.string("privateRange"))
        teamPrefix = try reader.int("teamPrefix")
        publicPool = try reader.string("publicPool").split(separator: ",").map {
            try Self.block("publicPool", $0.trimmingCharacters(in: .whitespaces))
        }
        sshPorts = try Self.ports(try reader.string("sshPorts"))
        metadataListen = try Self.endpoint("metadataListen", try reader.string("metadataListen"))
        nameservers = try Self.nameservers(try reader.string("nameservers"), privateRange)
        guestConnections = try reader.int("guestConnections")
        userModeInternet = try reader.bool("userModeInternet")
        apiUrl = try Self.url("apiUrl", try reader.string("apiUrl"))
        strictKeys = try reader.bool("strictKeys")
        rateLimit = try reader.int("rateLimit")
        let teamLimit = try reader.int("teamRateLimit")
        teamRateLimit = teamLimit == 0 ? Self.keysOfTeam * rateLimit : teamLimit
        let slots = try reader.int("bootSlots")
        bootSlots = slots == 0 ? ProcessInfo.processInfo.activeProcessorCount : slots
        warm = try reader.string("warm")
        stopGrace = try reader.int("stopGrace")
        orphanGrace = try reader.int("orphanGrace")
        billing = BillingSettings(
            isOn: try reader.bool("billing"), pastDueDays: try reader.int("pastDueDays"),
            suspendedDays: try reader.int("suspendedDays"))
        logLevel = try reader.string("logLevel")
        logFormat = try Self.logFormat(try reader.string("logFormat"))
        simulated = try reader.bool("simulated")
        simulatedDelay = try reader.int("simulatedDelay")
        database = try DatabaseSettings(reader, role: role)
    }

    /// What the verbs need to know of it.
    var cloud: CloudSettings {
        CloudSettings(
            privateRange: privateRange, teamPrefix: teamPrefix, publicPool: publicPool,
            sshPorts: network == .user ? sshPorts : nil, strictKeys: strictKeys, placement: placement,
            rateLimit: rateLimit, teamRateLimit: teamRateLimit, billing: billing, apiUrl: apiUrl)
    }

    private static func network(_ text: String) throws -> NetworkMode {
        switch text {
        case "auto": return geteuid() == 0 ? .bridged : .user
        case "bridged": return .bridged
        case "user": return .user
        default: throw SettingReader.invalid("network", text, "auto, bridged or user")
        }
    }

    private static func block(_ name: String, _ text: String) throws -> IPv4Network {
        if let block = IPv4Network(text) { return block }
        throw SettingReader.invalid(
            name, text, "a block of addresses, such as 203.0.113.0/24, several with commas")
    }

    private static func endpoint(_ name: String, _ text: String) throws -> IPv4Endpoint {
        if let endpoint = IPv4Endpoint(text) { return endpoint }
        throw SettingReader.invalid(
            name, text, "ADDRESS:PORT, such as \(NetworkSettings.defaultMetadata)")
    }

    /// `nil` when it is not set.
    private static func url(_ name: String, _ text: String) throws -> String? {
        guard !text.isEmpty else { return nil }
        guard text.wholeMatch(of: /https?:\/\/[!-~]+/) != nil else {
            throw SettingReader.invalid(
                name, text, "the API's URL with its base path, such as https://cloud.example/api/v1")
        }
        return text
    }

    private static func ports(_ text: String) throws -> ClosedRange<Int> {
        let parts = text.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 2, 1024 <= parts[0], parts[0] <= parts[1], parts[1] <= 65535 else {
            throw SettingReader.invalid("sshPorts", text, "FIRST-LAST within 1024-65535, such as 22000-22999")
        }
        return parts[0]...parts[1]
    }
}

/// Reads one setting after the other, with errors that name it.
struct SettingReader {
    private let config: ConfigReader

    /// - Parameter sources: each before those that it overrides; below them all is what holds when nothing is set.
    init(_ sources: [[String: ConfigValue]]) {
        let standards = Setting.byName.mapValues(\.standard)
        config = ConfigReader(
            providers: (sources + [standards]).map { values in
                InMemoryProvider(
                    values: Dictionary(
                        uniqueKeysWithValues: values.map { (AbsoluteConfigKey([$0]), $1) }))
            })
    }

    static func invalid(_ name: String, _ value: String, _ wanted: String) -> CloudError {
        CloudError.invalid([Problem(name, "'\(value.shown)' is not valid. Give \(wanted).")])
    }

    func string(_ name: String) throws -> String {
        try named(name) { try config.requiredString(forKey: ConfigKey([name])) }
    }

    func bool(_ name: String) throws -> Bool {
        try named(name) { try config.requiredBool(forKey: ConfigKey([name])) }
    }

    func int(_ name: String) throws -> Int {
        try named(name) { try config.requiredInt(forKey: ConfigKey([name])) }
    }

    func double(_ name: String) throws -> Double {
        try named(name) { try config.requiredDouble(forKey: ConfigKey([name])) }
    }

    /// The sources have checked names and values, so that only a row that is missing, or of another kind, can be at fault.
    private func named<T>(_ name: String, _ read: () throws -> T) throws -> T {
        do {
            return try read()
        } catch {
            throw CloudError.bug("The setting \(name) is not in the table as it is read: \(error)")
        }
    }
}
