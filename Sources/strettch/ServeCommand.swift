import ArgumentParser
import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudServer
import CloudWorker
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
    @OptionGroup var flags: SettingFlags

    func run() async throws {
        let settings = try ServeSettings(flags: flags.given, file: config)
        let logger = makeLogger(settings)
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

    private func makeLogger(_ settings: ServeSettings) -> Logger {
        var logger = Logger(label: "strettch") { label in
            switch settings.logFormat {
            case .text: LateLogHandler(StreamLogHandler.standardError(label: label))
            case .json: JSONLogHandler()
            }
        }
        logger.logLevel = settings.logLevel
        return logger
    }
}
