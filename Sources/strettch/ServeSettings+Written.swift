import CloudAudit
import CloudClient
import CloudControl
import CloudCore
import CloudMachines
import Foundation
import Logging

/// What a server writes into its data folder when it starts, so that commands beside it go by the same settings, wherever
/// those came from. Holds no secret.
extension ServeSettings {
    /// Writes the settings, unless they stand there already. On a disk that takes nothing, a server that runs is worth more than a file for commands beside it, so that is a warning.
    func write(to folder: DataFolder, _ logger: Logger) {
        let path = folder.settings
        do {
            let text = try JSONSerialization.data(
                withJSONObject: written, options: [.prettyPrinted, .sortedKeys])
            guard FileManager.default.contents(atPath: path) != text else { return }
            try PrivateFile.replace(path, with: text)
        } catch {
            logger.warning(
                """
                The settings can't be written: 'strettch admin audit' goes by those of an earlier start. Check the free \
                space of the disk, and start the server again.
                """,
                metadata: ["path": "\(path)", "error": "\(error)"])
        }
    }

    /// The settings of the server that was last started on the folder. Throws `CONFLICT` when none was.
    static func written(in folder: DataFolder) throws -> ServeSettings {
        guard FileManager.default.fileExists(atPath: folder.settings) else {
            throw CloudError(
                .conflict,
                "No 'strettch serve' of this version has run on \(folder.path), so its settings are not known. Start "
                    + "it once, or name its folder with --data.")
        }
        return try ServeSettings([SettingSources.written(folder.settings)])
    }

    /// The folder of the images of a host whose server may not have been started yet.
    static func images(in folder: DataFolder) throws -> String {
        let isWritten = FileManager.default.fileExists(atPath: folder.settings)
        return try (isWritten ? written(in: folder) : ServeSettings(file: nil)).images(folder)
    }

    /// How a command beside the server reaches its database. Throws `CONFLICT` when the server keeps it elsewhere: its
    /// connection string may hold a password, so it is not among what is written.
    static func database(beside folder: DataFolder, config: String?) throws -> DatabaseSettings {
        let settings = try ServeSettings(file: config).databaseSettings
        let text = FileManager.default.contents(atPath: folder.settings).map {
            String(decoding: $0, as: UTF8.self)
        }
        let isOnServer = text?.contains("\"databaseEngine\" : \"postgres\"") == true
        guard !isOnServer || settings.connection != nil else {
            throw CloudError(
                .conflict,
                "The server of \(folder.path) keeps its database in PostgreSQL. Give this command the same setting: "
                    + "STRETTCH_DATABASE, or the server's file with --config.")
        }
        return settings
    }

    /// What the audit goes by.
    func audit(secondLookAfter: Duration) -> AuditSettings {
        AuditSettings(
            privateRange: self.privateRange, publicPool: self.publicPool, sshPorts: cloud.sshPorts,
            isBilled: self.billing, stopGraceMs: Int64(self.stopGrace) * 1000,
            secondLookAfter: secondLookAfter)
    }

    /// All but the secrets, as they are in force: another version may have other defaults.
    private var written: [String: String] {
        let settings = SettingTable.all.filter { !$0.isSecret }.map { ($0.name, $0.text(in: self)) }
        return Dictionary(settings) { first, _ in first }.merging(["databaseEngine": databaseSettings.engine])
        { $1 }
    }
}
