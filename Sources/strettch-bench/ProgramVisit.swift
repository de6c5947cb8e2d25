import CloudClient
import CloudWire
import Foundation
import NIOCore

/// One value of what a build of the program does.
struct Sight: Sendable {
    var name: String
    var unit: String
    var value: Double
}

/// A short look at all that a build does: start, creates, reads, memory.
struct ProgramVisit {
    private static let warmUp = Duration.milliseconds(300)
    private static let duration = Duration.seconds(1)
    private static let clients = 32

    func run(in lab: Lab) async throws -> [Sight] {
        let name = "visit"
        // What is left here goes with the run's folder.
        defer { try? FileManager.default.removeItem(atPath: "\(lab.folder)/\(name)") }
        return try await BenchServer.with(CreateLoad.arguments, in: lab, name: name) { server, client in
            var sights = [
                Sight(name: "start to first answer", unit: "ms", value: server.startTime.milliseconds)
            ]
            sights.append(Sight(name: "memory at the start", unit: "MiB", value: server.residentMb))
            sights += try await creates(1, server, client)
            sights += try await creates(Self.clients, server, client)
            let ids = try await client.computes(limit: 100).data.map(\.id)
            sights += try await gets(ids.map { "/computes/\($0)" }, "GET of one", server)
            sights += try await gets(["/computes?limit=20"], "page of 20", server)
            sights.append(Sight(name: "memory afterwards", unit: "MiB", value: server.residentMb))
            return sights
        }
    }

    private func creates(
        _ clients: Int, _ server: BenchServer, _ client: StrettchClient
    ) async throws -> [Sight] {
        let before = server.processorSeconds
        let load = try await load(clients, 202, try APIRequest.creates(server.credentials), server)
        try await server.untilDone(client)
        return sights("creates", clients, load, processorSeconds: server.processorSeconds - before)
    }

    private func gets(_ paths: [String], _ name: String, _ server: BenchServer) async throws -> [Sight] {
        let before = server.processorSeconds
        let load = try await load(Self.clients, 200, APIRequest.gets(paths, server.credentials), server)
        return sights(name, Self.clients, load, processorSeconds: server.processorSeconds - before)
    }

    private func load(
        _ clients: Int, _ status: Int, _ request: @escaping @Sendable (Int) -> ByteBuffer,
        _ server: BenchServer
    ) async throws -> LoadClient.Outcome {
        try await LoadClient(target: server.target, clients: clients, status: status, request: request)
            .run(warmUp: Self.warmUp, duration: Self.duration)
    }

    private func sights(
        _ name: String, _ clients: Int, _ load: LoadClient.Outcome, processorSeconds: Double
    ) -> [Sight] {
        let name = "\(name), \(clients == 1 ? "1 client" : "\(clients) clients")"
        return [
            Sight(name: name, unit: "/s", value: load.perSecond),
            Sight(name: "  p50", unit: "ms", value: load.times.median),
            Sight(name: "  p99", unit: "ms", value: load.times.percentile(99)),
            Sight(
                name: "  processor for each", unit: "ms",
                value: processorSeconds * 1000 / Double(max(1, load.answers))),
        ]
    }
}
