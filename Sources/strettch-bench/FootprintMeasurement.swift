import CloudClient
import Foundation

/// What the program takes of a machine: its start, its memory, and its processor while nothing is asked of it.
struct FootprintMeasurement {
    /// Starts of an empty folder, and as many of one in use.
    var starts: Int

    /// Computes beside which the processor of a quiet server is measured, and its memory.
    private static let some = 1_000
    private static let many = 10_000
    private static let clients = 32
    private static let createLimit = Duration.seconds(120)
    private static let restTime = Duration.seconds(2)
    /// How long a quiet server is watched.
    private static let watch = Duration.seconds(10)

    func run(in lab: Lab) async throws -> [Figure] {
        var series = FigureSeries()
        for number in 1...starts {
            Lab.say("start \(number) of \(starts)")
            try await server("empty-\(number)", in: lab) { server, _ in
                series.add(
                    "start to first answer, new folder", server.startTime.milliseconds, target: .atMost(100))
                try await rest()
                series.add("memory, idle", server.residentMb, unit: "MiB", target: .atMost(60))
            }
        }
        Lab.say("\(Self.some) and \(Self.many) computes")
        try await server("used", in: lab) { server, client in
            try await create(Self.some, on: server, client)
            series.add(
                "processor, idle with \(Self.some) computes", try await idlePercent(server), unit: "%",
                target: .atMost(1))
            try await create(Self.many - Self.some, on: server, client)
            series.add(
                "memory after \(Self.many) creates", server.residentMb, unit: "MiB", target: .atMost(100))
        }
        for number in 1...starts {
            Lab.say("start \(number) of \(starts) with \(Self.many) computes")
            try await server("used", in: lab) { server, _ in
                series.add(
                    "start to first answer, \(Self.many) computes", server.startTime.milliseconds,
                    target: .atMost(100))
                try await rest()
                series.add(
                    "memory, idle with \(Self.many) computes", server.residentMb, unit: "MiB",
                    target: .atMost(100))
            }
        }
        return series.figures
    }

    private func server(
        _ name: String, in lab: Lab, _ body: (BenchServer, StrettchClient) async throws -> Void
    ) async throws {
        try await BenchServer.with(CreateLoad.arguments, in: lab, name: name, body)
    }

    private func create(_ count: Int, on server: BenchServer, _ client: StrettchClient) async throws {
        _ = try await LoadClient(
            target: server.target, clients: Self.clients, status: 202,
            request: try APIRequest.creates(server.credentials)
        ).run(count: count, limit: Self.createLimit)
        try await server.untilDone(client)
        try await rest()
    }

    /// What a start or a burst leaves to be done is done.
    private func rest() async throws { try await ContinuousClock().sleep(for: Self.restTime) }

    /// Of one processor.
    private func idlePercent(_ server: BenchServer) async throws -> Double {
        let before = server.processorSeconds
        try await ContinuousClock().sleep(for: Self.watch)
        return (server.processorSeconds - before) * 100 / (Self.watch / .seconds(1))
    }
}
