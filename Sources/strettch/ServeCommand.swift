import ArgumentParser
import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudServer
import CloudWorker
import Configuration
import Foundation
import Logging
import ServiceLifecycle

/// `strettch serve`.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve the API and work on the machines of this host.",
        discussion: """
            Every setting can also be given in the environment (STRETTCH_PRIVATE_RANGE) or in a YAML file \
            (privateRange: …); a flag goes before the environment, and that before the file. The first start makes a \
            team and its owner's key, saves the key for 'strettch compute', and shows it \
            once; a lost one is replaced by 'strettch admin key create default NAME --role Owner'.
            """)

    @OptionGroup var data: DataOption
    @Option(help: "A YAML file with settings.") var config: String?
    @Option(
        help: "Connection string of PostgreSQL; a password belongs into STRETTCH_DATABASE. Default: SQLite.")
    var database: String?
    @Option(help: "all, api (no host) or worker (no API). Default: all.") var role: String?
    @Option(help: "The host's name in the cell. Default: the machine's own.") var hostName: String?
    @Option(help: "This machine's address among the hosts, for private networks that span them.")
    var underlay: String?
    @Option(help: "HOST:PORT or unix:PATH. Default: 127.0.0.1:8080.") var listen: String?
    @Option(help: "PEM file with the certificate for TLS, its issuers' after it.") var tlsCertificate: String?
    @Option(help: "PEM file with the certificate's private key.") var tlsKey: String?
    @Option(help: "Connections served at once; more wait. Default: 512.") var maxConnections: Int?
    @Option(help: "HOST:PORT or unix:PATH of /metrics, for this machine alone. Default: none.")
    var metrics: String?
    @Option(help: "A catalogue of your own, in YAML.") var catalogue: String?
    @Option(help: "auto, bridged (needs root) or user. Default: auto.") var network: String?
    @Option(help: "Block that team networks are cut from. Default: 10.0.0.0/8.") var privateRange: String?
    @Option(help: "Prefix length of a team's network. Default: 22.") var teamPrefix: Int?
    @Option(help: "Blocks of public addresses, with commas. Default: 203.0.113.0/24.") var publicPool: String?
    @Option(help: "Ports that lead to guests' SSH in user mode. Default: 22000-22999.") var sshPorts: String?
    @Option(help: "ADDRESS:PORT of the metadata service, link-local. Default: 169.254.83.84:8775.")
    var metadataListen: String?
    @Option(help: "The API's URL as guests reach it, with /api/v1. Default: by the metadata service.")
    var apiUrl: String?
    @Flag(help: "Refuse public keys that are not whole.") var strictKeys = false
    @Option(help: "Requests of one API key in a second; 0: any number. Default: 2.") var rateLimit: Int?
    @Option(help: "Guests that may boot at once; 0: one for each core.") var bootSlots: Int?
    @Option(help: "Guests kept booted ahead: IMAGE/SPECIFICATION=COUNT, with commas. Default: none.")
    var warm: String?
    @Option(help: "Seconds that a guest has to shut down before its power is taken. Default: 60.")
    var stopGrace: Int?
    @Option(help: "trace, debug, info, notice, warning, error or critical. Default: info.") var logLevel:
        String?
    @Option(help: "text, or json: one object a line. Default: text.") var logFormat: String?
    @Flag(help: "Pretend the machines: a faithful, disposable server for developers.") var simulated = false

    func run() async throws {
        let settings = try await ServeSettings(flags: flags, file: config)
        let logger = try makeLogger(settings)
        let folder = try data.folder()
        try folder.lock()
        settings.write(to: folder, logger)
        if settings.role.answersAPI, !settings.listen.isLocal, settings.tls == nil {
            logger.warning(
                """
                API keys cross the network unencrypted: give tlsCertificate and tlsKey, or put a proxy that speaks \
                TLS before this address.
                """,
                metadata: ["listen": "\(settings.listen)"])
        }
        try await Cell.open(settings, folder, logger).run()
    }

    private var flags: [String: ConfigValue] {
        var flags: [String: ConfigValue] = [:]
        let texts = [
            "role": role, "hostName": hostName, "underlay": underlay, "listen": listen,
            "tlsCertificate": tlsCertificate,
            "tlsKey": tlsKey, "metrics": metrics,
            "logFormat": logFormat, "catalogue": catalogue, "network": network, "privateRange": privateRange,
            "publicPool": publicPool, "sshPorts": sshPorts, "metadataListen": metadataListen,
            "apiUrl": apiUrl, "logLevel": logLevel, "database": database, "warm": warm,
        ]
        for (name, text) in texts {
            if let text { flags[name] = ConfigValue(.string(text), isSecret: false) }
        }
        for (name, int) in [
            "teamPrefix": teamPrefix, "bootSlots": bootSlots, "stopGrace": stopGrace, "rateLimit": rateLimit,
            "maxConnections": maxConnections,
        ] {
            if let int { flags[name] = ConfigValue(.int(int), isSecret: false) }
        }
        for (name, flag) in ["strictKeys": strictKeys, "simulated": simulated] where flag {
            flags[name] = true
        }
        return flags
    }

    private func makeLogger(_ settings: ServeSettings) throws -> Logger {
        guard let level = Logger.Level(rawValue: settings.logLevel) else {
            throw CloudError.invalid([
                Problem("logLevel", "'\(settings.logLevel.shown)' is none. Give info or debug.")
            ])
        }
        var logger = Logger(label: "strettch") { label in
            switch settings.logFormat {
            case .text: LateLogHandler(StreamLogHandler.standardError(label: label))
            case .json: JSONLogHandler()
            }
        }
        logger.logLevel = level
        return logger
    }
}
