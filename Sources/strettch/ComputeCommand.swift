import ArgumentParser
import CloudClient
import CloudCore
import Foundation

/// `strettch compute …`: computes from the command line, over the API.
struct ComputeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compute",
        abstract: "Create, show, start, stop, resize, restore, log in to and delete computes.",
        discussion: """
            The server and the API key come from ~/.config/strettch/credentials.json, or from STRETTCH_URL and \
            STRETTCH_KEY.
            """,
        subcommands: [
            ComputeCreateCommand.self, ComputeListCommand.self, ComputeGetCommand.self,
            ComputeWaitCommand.self, ComputeStartCommand.self, ComputeStopCommand.self,
            ComputeRebootCommand.self, ComputeRestoreCommand.self, ComputeUpsizeCommand.self,
            ComputeUpdateCommand.self, ComputeDeleteCommand.self, ComputeEventsCommand.self,
            ComputeSSHCommand.self,
        ])
}

/// Options that all commands of the API share.
struct ComputeOptions: ParsableArguments {
    @Option(help: "Address of the server, like http://127.0.0.1:8080.")
    var url: String?

    @Option(help: ArgumentHelp("File whose first line is the API key.", valueName: "file"))
    var keyFile: String?

    @Flag(help: "Print the API's data as JSON.")
    var json = false

    /// The largest file that is read for an API key, in bytes.
    private static let maxKeyFileBytes = 4096

    /// Runs `body` with a client. Prints an error and throws its exit status.
    func withClient<Result: Sendable>(_ body: (StrettchClient) async throws -> Result) async throws -> Result
    {
        try await reporting {
            let environment = try environment()
            let credentials = try Credentials.find(environment: environment)
            var options = StrettchClient.Options()
            options.caFile = environment["STRETTCH_CA_FILE"].flatMap { $0.isEmpty ? nil : $0 }
            if let file = options.caFile, !FileManager.default.isReadableFile(atPath: file) {
                throw CommandFailure(
                    .refused, "STRETTCH_CA_FILE: \(file) can't be read. Check its name and its mode.")
            }
            options.proxy = try ProxySettings(environment: environment).proxy(for: credentials.url).map {
                .init(host: $0.host, port: $0.port, login: $0.login.map { ($0.user, $0.password) })
            }
            do {
                return try await StrettchClient.with(
                    baseURL: credentials.url, key: credentials.key, options: options, body)
            } catch var error as ClientError where error.code == "UNREACHABLE" && isFromFile(environment) {
                let path = try CredentialsFile(environment: environment).path
                error.message += " The address is from \(path): correct it there, or give --url."
                throw error
            }
        }
    }

    /// Runs `body`. Prints an error and throws its exit status.
    func reporting<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let exit as ExitCode {
            throw exit
        } catch let failure as OutputFailure {
            throw failure
        } catch {
            OutputStreams.note(OutputText.error(error))
            throw ExitCode(ProgramExit(error).rawValue)
        }
    }

    /// Whether the server's address is the one in the credentials file.
    private func isFromFile(_ environment: [String: String]) -> Bool {
        (environment["STRETTCH_URL"] ?? "").isEmpty
    }

    /// The environment, with the options over it.
    private func environment() throws -> [String: String] {
        var environment = ProcessInfo.processInfo.environment
        if let url { environment["STRETTCH_URL"] = url }
        if let keyFile { environment["STRETTCH_KEY"] = try Self.key(inFile: keyFile) }
        return environment
    }

    private static func key(inFile path: String) throws -> String {
        let text = try CommandFile.text(path, maxBytes: maxKeyFileBytes)
        let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        return line.trimmingCharacters(in: .whitespaces)
    }
}

/// Files that the user names on the command line.
enum CommandFile {
    /// Names standard input.
    static let standardInput = "-"

    /// What gzip begins with (RFC 1952, section 2.3.1).
    private static let gzipMagic: [UInt8] = [0x1F, 0x8B]

    /// The text of the file, or of standard input for `-`. Throws `CommandFailure` when it can't be read, is larger, or is
    /// not UTF-8.
    static func text(_ path: String, maxBytes: Int) throws -> String {
        let bytes: Data
        do {
            bytes = try read(path, upTo: maxBytes + 1)
        } catch {
            throw CommandFailure(.failure, "\(path) can't be read. Check its name and its mode.")
        }
        guard bytes.count <= maxBytes else {
            throw CommandFailure(.refused, "\(path) is larger than \(maxBytes) bytes. Name a smaller file.")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let remedy =
                bytes.starts(with: gzipMagic)
                ? "is gzip. Send it as base64: base64 --wrap=0 FILE"
                : "is no text in UTF-8. Name another file."
            throw CommandFailure(.refused, "\(path) \(remedy)")
        }
        return text
    }

    private static func read(_ path: String, upTo limit: Int) throws -> Data {
        if path == standardInput { return try FileHandle.standardInput.read(upToCount: limit) ?? Data() }
        let file = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? file.close() }  // a file that was only read has nothing to lose
        return try file.read(upToCount: limit) ?? Data()
    }
}
