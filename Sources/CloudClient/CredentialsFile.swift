import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The file that keeps a user's credentials: `{"url", "key"}`, readable by its owner alone.
public struct CredentialsFile: Sendable, Equatable {
    public var path: String

    /// The largest file that is read.
    static let maxBytes = 65_536

    public init(path: String) { self.path = path }

    /// `STRETTCH_CREDENTIALS`, else `strettch/credentials.json` in the folder of `configFolder`.
    public init(environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        if let path = environment["STRETTCH_CREDENTIALS"], !path.isEmpty {
            self.path = path
        } else {
            path = try Self.configFolder(environment: environment) + "/credentials.json"
        }
    }

    /// The folder of the client's own files: `$XDG_CONFIG_HOME/strettch`, else `~/.config/strettch`. A relative
    /// `XDG_CONFIG_HOME` is ignored, as the XDG Base Directory Specification has it.
    public static func configFolder(environment: [String: String]) throws -> String {
        if let folder = environment["XDG_CONFIG_HOME"], folder.hasPrefix("/") { return folder + "/strettch" }
        if let home = HomeFolder.path(environment: environment) { return home + "/.config/strettch" }
        throw ClientError(
            .unconfigured, code: "NO_CREDENTIALS",
            message:
                "This user has no home folder, so the credentials can't be found. Set HOME or STRETTCH_CREDENTIALS."
        )
    }

    /// The stored credentials, or `nil` when there is no file.
    ///
    /// - Throws: `ClientError` when the file can be read by others, can't be read by us, or is no such file.
    public func read() throws -> Credentials? {
        // Safe: the path is copied for the call; the descriptor is closed below.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT { return nil }
            throw invalid("can't be read (\(Self.lastError()))")
        }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var status = stat()
        // Safe: writes to the local alone. The open file is asked, so that it can't be exchanged in between.
        guard fstat(descriptor, &status) == 0 else {
            throw invalid("can't be looked at (\(Self.lastError()))")
        }
        guard status.st_mode & 0o077 == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw invalid("holds a key and can be read by others (mode \(mode)). Run: chmod 600 \(path)")
        }
        do {
            let bytes = try file.read(upToCount: Self.maxBytes) ?? Data()
            return try JSONDecoder().decode(Credentials.self, from: bytes)
        } catch {
            throw invalid(#"is not {"url": "…", "key": "…"}. Write it again, or remove it"#)
        }
    }

    /// Replaces the file at once, mode 600, on disk when this returns. Folders that are missing are made with mode 700.
    public func write(_ credentials: Credentials) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let bytes = try encoder.encode(credentials) + Data("\n".utf8)
        let folder = (path as NSString).deletingLastPathComponent
        do {
            try FileManager.default.createDirectory(
                atPath: folder.isEmpty ? "." : folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw invalid("can't be written, since its folder can't be made (\(error.localizedDescription))")
        }
        do {
            try PrivateFile.replace(path, with: bytes)
        } catch {
            throw invalid("can't be written (\(error.reason))")
        }
    }

    private func invalid(_ fault: String) -> ClientError {
        ClientError(.unconfigured, code: "INVALID_CREDENTIALS", message: "\(path) \(fault).")
    }

    /// What the last failed C call said.
    private static func lastError() -> String { String(cString: strerror(errno)) }  // safe: copied at once
}
