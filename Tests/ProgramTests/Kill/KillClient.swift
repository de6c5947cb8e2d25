import CloudClient
import CloudCore
import CloudTesting
import CloudWire
import Foundation

/// One client with a connection of its own, who asks at random until the server is gone.
struct KillClient {
    let client: StrettchClient
    let knowledge: KillKnowledge
    let plan: KillPlan
    /// The beginning of its computes' names, which nobody else uses.
    let name: String

    /// What a client may do, as often in a hundred times.
    private enum Doing: CaseIterable {
        case create, replay, delete, stop, start, reboot, look

        var weight: Int {
            switch self {
            case .create: 42
            case .replay: 8
            case .delete: 18
            case .stop: 10
            case .start, .reboot: 8
            case .look: 6
            }
        }

        static func random(_ random: inout SeededRandom) -> Doing {
            var left = Int.random(in: 0..<allCases.reduce(0) { $0 + $1.weight }, using: &random)
            return allCases.first { doing in
                left -= doing.weight
                return left < 0
            } ?? .look
        }
    }

    /// The most that one client asks for in a round.
    private static let mostCalls = 2000

    /// Returns when no answer comes any more, or the task is cancelled.
    func run(_ seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        for number in 0..<Self.mostCalls where !Task.isCancelled {
            guard try await call(number, &random) else { return }
            if plan.pauseMs > 0 {
                try await letPass(.milliseconds(plan.pauseMs))
            }
        }
    }

    /// One call. False when it got no answer.
    private func call(_ number: Int, _ random: inout SeededRandom) async throws -> Bool {
        switch Doing.random(&random) {
        case .create where await knowledge.alive < plan.mostAlive:
            let request = KillPlan.request("\(name)-\(number)", withPublicIp: random.chance(percent: 15))
            let order = await knowledge.begin(request, key: random.uuid())
            return try await create(order, isRepetition: false)
        case .replay:
            guard let order = await knowledge.someAnswered(&random) else { return true }
            return try await create(order, isRepetition: true)
        case .create, .delete:
            guard let order = await knowledge.takeForDeletion(&random) else { return true }
            return try await delete(order, isRepetition: false)
        case .stop: return try await power(&random) { try await $0.stopCompute(id: $1) }
        case .start: return try await power(&random) { try await $0.startCompute(id: $1) }
        case .reboot: return try await power(&random) { try await $0.rebootCompute(id: $1) }
        case .look: return try await power(&random) { try await $0.compute(id: $1) }
        }
    }

    /// Sends the create, for the first time or again. False when no answer came.
    func create(_ number: Int, isRepetition: Bool) async throws -> Bool {
        let order = await knowledge.orders[number]
        return try await answer(to: "create \(order.request.hostName)", allowing: []) {
            let envelope = try await client.createCompute(order.request, idempotencyKey: order.key)
            await knowledge.answered(number, envelope, isRepetition: isRepetition)
        }
    }

    /// Asks for the compute's end, for the first time or again. False when no answer came.
    func delete(_ number: Int, isRepetition: Bool) async throws -> Bool {
        guard let id = await knowledge.orders[number].id else { return true }
        return try await answer(to: "delete \(id)", allowing: isRepetition ? [404] : []) {
            _ = try await client.deleteCompute(id: id)
            await knowledge.set(number, deletion: .accepted)
        }
    }

    private func power(
        _ random: inout SeededRandom,
        _ ask: (StrettchClient, String) async throws -> EnvelopeWire<ComputeWire>
    ) async throws -> Bool {
        guard let number = await knowledge.someAlive(&random),
            let id = await knowledge.orders[number].id
        else { return true }
        // 409: its state does not allow that.
        return try await answer(to: "ask for something of \(id)", allowing: [409]) {
            do {
                _ = try await ask(client, id)
            } catch let error as ClientError where error.status == 404 {
                guard await knowledge.orders[number].isAlive else { return }
                await knowledge.fault("compute \(id) is lost: it was acknowledged, and \(error)")
            }
        }
    }

    /// Runs one call. False when no answer came; an answer that is neither success nor allowed is a fault.
    private func answer(to what: String, allowing: Set<Int>, _ body: () async throws -> Void) async throws
        -> Bool
    {
        do {
            try await body()
        } catch let error as ClientError where error.kind == .unreachable {
            return false
        } catch let error as ClientError {
            if !allowing.contains(error.status ?? 0) {
                await knowledge.fault("'\(what)' was answered \(error.status ?? 0) \(error)")
            }
        }
        return true
    }
}
