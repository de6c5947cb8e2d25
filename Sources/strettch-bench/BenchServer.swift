import CloudClient
import CloudWire
import Foundation

/// One `strettch serve` with a data folder of its own, on a port of the loopback.
struct BenchServer: Sendable {
    /// Absolute, and short: unix sockets lie in it.
    let data: String
    let log: String
    let credentials: Credentials
    let port: Int
    /// From the program's start to its first answer.
    let startTime: Duration

    private static let doneLimit = Duration.seconds(120)
    private static let doneInterval = Duration.milliseconds(200)
    /// How much of the log a failure shows, in characters.
    private static let shownLog = 2000

    /// Where it listens, for a load.
    var target: LoadTarget { .tcp(port) }
    /// Seconds of processor that it has used.
    var processorSeconds: Double { ProcessTimes.seconds(naming: data) }
    /// MiB of memory that it has now.
    var residentMb: Double { ProcessTimes.residentMb(naming: data) }

    /// Runs `body` with a server, fresh unless the folder of this name has been used before, and a client of it; then
    /// ends the server.
    /// - Parameter environment: settings that are no flags.
    static func with<Result: Sendable>(
        _ arguments: [String], environment: [String: String] = [:], in lab: Lab, name: String,
        _ body: (BenchServer, StrettchClient) async throws -> Result
    ) async throws -> Result {
        let home = "\(lab.folder)/\(name)"
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        let (data, log) = ("\(home)/data", "\(home)/serve.log")
        let file = CredentialsFile(path: "\(home)/credentials.json")
        let port = try FreePort.pick()
        let program = ProgramBeside(
            program: lab.program,
            arguments: ["serve", "--listen", "127.0.0.1:\(port)", "--data", data, "--rate-limit", "0"]
                + arguments,
            environment: environment.merging(["STRETTCH_CREDENTIALS": file.path, "HOME": home]) { $1 },
            log: log)
        let (clock, start) = (ContinuousClock(), ContinuousClock.now)
        do {
            return try await program.run {
                try await FirstAnswer(port: port).wait()
                let startTime = clock.now - start
                guard let key = try file.read()?.key else { throw Lab.failure("There is no \(file.path).") }
                // The file knows where the first start listened.
                let credentials = Credentials(url: "http://127.0.0.1:\(port)", key: key)
                let server = BenchServer(
                    data: data, log: log, credentials: credentials, port: port, startTime: startTime)
                return try await StrettchClient.with(baseURL: credentials.url, key: credentials.key) {
                    try await body(server, $0)
                }
            }
        } catch {
            Lab.say("the server's log ends:\n\(words(log).suffix(shownLog))")
            throw error
        }
    }

    /// Waits until every create has ended.
    func untilDone(_ client: StrettchClient) async throws {
        try await Lab.poll("the computes run", limit: Self.doneLimit, every: Self.doneInterval) {
            let page = try await client.computes(limit: 1, filter: ListFilter(state: "CREATING"))
            return page.data.isEmpty ? () : nil
        }
    }

    /// All that the server has logged.
    var words: String { Self.words(log) }

    private static func words(_ log: String) -> String {
        (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""  // unreadable: it said nothing
    }
}

/// A port of the loopback that nobody listens on.
enum FreePort {
    static func pick() throws -> Int {
        // Safe: plain calls; the descriptor is closed on every way out.
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        // Safe: a sockaddr_in is what an AF_INET socket takes and gives, and its size is given.
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 ? getsockname(descriptor, $0, &size) : -1
            }
        }
        guard result == 0 else { throw Lab.failure("There is no free port: errno \(errno).") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
