import ArgumentParser
import Foundation
import Hummingbird

/// The least that the program's HTTP server can do for a request, as the limit beside which the program is measured.
struct HelloCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hello", abstract: "Answer GET / with a few words.", shouldDisplay: false)

    /// The file that gets the port.
    @Argument var portFile: String

    func run() async throws {
        let router = Router()
        router.get("/") { _, _ in "hello, world" }
        let path = portFile
        let server = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                let port = "\(channel.localAddress?.port ?? 0)"
                // Without the file nobody finds the server, and who waits for it says so.
                try? port.write(toFile: path, atomically: true, encoding: .utf8)
            })
        try await server.runService()
    }
}
