import Foundation
import NIOCore

/// `strettch-bench hello` beside a measurement.
struct HelloServer: Sendable {
    var port: Int

    private static let startLimit = Duration.seconds(10)

    static func with<Result: Sendable>(
        in lab: Lab, _ body: (HelloServer) async throws -> Result
    ) async throws -> Result {
        let portFile = "\(lab.folder)/hello.port"
        try? FileManager.default.removeItem(atPath: portFile)  // fails when there is none
        let program = ProgramBeside(
            program: "/proc/self/exe", arguments: ["hello", portFile], log: "\(lab.folder)/hello.log")
        return try await program.run {
            let port = try await Lab.poll("the hello-world answers", limit: startLimit) {
                (try? String(contentsOfFile: portFile, encoding: .utf8)).flatMap { Int($0) }  // nil: not yet
            }
            return try await body(HelloServer(port: port))
        }
    }

    /// Answers to that many clients.
    func measure(clients: Int, warmUp: Duration, duration: Duration) async throws -> LoadClient.Outcome {
        let request = ByteBuffer(string: "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return try await LoadClient(target: .tcp(port), clients: clients, status: 200) { _ in request }
            .run(warmUp: warmUp, duration: duration)
    }
}
