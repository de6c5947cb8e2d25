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
            (privateRange: …). Flags override environment variables, which override the file. The first start makes a \
            team and its owner's key, saves the key for 'strettch compute', and shows it \
            once; a lost one is replaced by 'strettch admin key create default NAME --role Owner'.
            """)

    @OptionGroup var data: DataOption
    @Option(help: "A YAML file with settings.") var config: String?
    @Option(help: .setting("database")) var database: String?
    @Option(help: .setting("hostName")) var hostName: String?
    @Option(help: .setting("role")) var role: String?
    @Option(help: .setting("underlay")) var underlay: String?
    @Option(help: .setting("listen")) var listen: String?
    @Option(help: .setting("tlsCertificate")) var tlsCertificate: String?
    @Option(help: .setting("tlsKey")) var tlsKey: String?
    @Option(help: .setting("maxConnections")) var maxConnections: Int?
    @Option(help: .setting("trustedProxies")) var trustedProxies: String?
    @Option(help: .setting("corsOrigins")) var corsOrigins: String?
    @Option(help: .setting("metrics")) var metrics: String?
    @Option(help: .setting("catalogue")) var catalogue: String?
    @Option(help: .setting("network")) var network: String?
    @Option(help: .setting("privateRange")) var privateRange: String?
    @Option(help: .setting("teamPrefix")) var teamPrefix: Int?
    @Option(help: .setting("publicPool")) var publicPool: String?
    @Option(help: .setting("sshPorts")) var sshPorts: String?
    @Option(help: .setting("metadataListen")) var metadataListen: String?
    @Option(help: .setting("apiUrl")) var apiUrl: String?
    @Flag(help: .setting("strictKeys")) var strictKeys = false
    @Option(help: .setting("rateLimit")) var rateLimit: Int?
    @Option(help: .setting("teamRateLimit")) var teamRateLimit: Int?
    @Option(help: .setting("bootSlots")) var bootSlots: Int?
    @Option(help: .setting("warm")) var warm: String?
    @Option(help: .setting("stopGrace")) var stopGrace: Int?
    @Option(help: .setting("logLevel")) var logLevel: String?
    @Option(help: .setting("logFormat")) var logFormat: String?
    @Flag(help: .setting("simulated")) var simulated = false

    func run() async throws {
        var settings = try await ServeSettings(flags: flags, file: config)
        let logger = try makeLogger(settings)
        settings.maxConnections = OpenFiles.connections(settings.maxConnections, logger)
        let folder = try data.folder()
        if let mode = folder.modeOpenToOthers {
            logger.warning(
                "Others than its owner may list or change the data folder. Run: chmod 700 \(folder.path)",
                metadata: ["mode": "\(mode)"])
        }
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

    /// What was given: each property that has the name of a setting, so that a flag is declared once.
    private var flags: [String: ConfigValue] {
        var flags: [String: ConfigValue] = [:]
        for child in Mirror(reflecting: self).children {
            guard let name = child.label?.dropFirst(), let setting = Setting.byName[String(name)] else {
                continue
            }
            switch child.value {
            case let option as Option<String?>:
                flags[setting.name] = option.wrappedValue.map { ConfigValue(.string($0), isSecret: false) }
            case let option as Option<Int?>:
                flags[setting.name] = option.wrappedValue.map { ConfigValue(.int($0), isSecret: false) }
            case let flag as Flag<Bool>: flags[setting.name] = flag.wrappedValue ? true : nil
            default: continue
            }
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
