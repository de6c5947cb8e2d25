import CloudServer
import CloudTesting
import Testing

@Suite("The log")
struct LogTests {
    @Test("has a line for each request, with requestId, team and compute")
    func facts() async throws {
        let log = CapturedLog()
        try await ListeningCloud.with(logger: log.logger) { cloud in
            let said = try await cloud.curl(
                ["--include", "--header", "Authorization: Bearer \(cloud.key)"], "/api/v1/computes/7?a=b")
            let id = try #require(said.firstMatch(of: /"requestId":"([^"]+)"/)?.1)
            let line = try #require(log.text.split(separator: "\n").first { $0.hasPrefix("request ") })
            #expect(line.contains(" requestId=\(id)"))
            #expect(line.contains("compute=7"))
            #expect(line.contains(" team=1"))
            #expect(line.contains(" path=/api/v1/computes/7 "))
            #expect(line.contains(" status=404"))
        }
    }

    @Test("tells which compute a create made")
    func create() async throws {
        let log = CapturedLog()
        try await ListeningCloud.with(logger: log.logger) { cloud in
            _ = try await cloud.curl(
                [
                    "--header", "Authorization: Bearer \(cloud.key)", "--header",
                    "Idempotency-Key: \(TestCloud.newKey())", "--json", TestCloud.body(),
                ], "/api/v1/computes")
            let line = try #require(log.text.split(separator: "\n").first { $0.hasPrefix("request ") })
            #expect(line.contains(" status=202"))
            #expect(line.contains("compute=1"))
        }
    }

    @Test("never holds a key, whatever becomes of the request, at any level")
    func secrets() async throws {
        let log = CapturedLog()
        try await ListeningCloud.with(logger: log.logger) { cloud in
            let header = "Authorization: Bearer \(cloud.key)"
            for (options, path) in [
                (["--header", header], "/api/v1/computes"), (["--header", header], "/nothing"),
                (["--header", header + "x"], "/api/v1/computes"),
                (["--header", "Authorization: \(cloud.key)"], "/api/v1/computes"),
                (["--header", header, "--json", "{"], "/api/v1/computes"),
                (["--header", header], "/api/v1/computes?key=\(cloud.key)"),
            ] {
                _ = try await cloud.curl(options, path)
            }
            _ = try await cloud.connect { connection in
                try await connection.send("GET / HTTP/1.1\r\n\(header)\r\nbroken \(cloud.key)\r\n\r\n")
                return try await connection.readToEnd()
            }
            #expect(log.text.split(separator: "\n").filter { $0.hasPrefix("request ") }.count >= 7)
            #expect(!log.text.contains(cloud.key))
        }
    }
}
