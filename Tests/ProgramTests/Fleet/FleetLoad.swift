import CloudClient
import CloudTesting
import CloudWire
import Foundation

/// A client that goes on whatever dies: it creates and deletes through all servers in turn, and sends again with the same
/// key what got no answer.
actor FleetLoad {
    private struct Order {
        let key: UUID
        let request: CreateComputeWire
        var id: String?
        var isDeleted = false
    }

    private let fleet: Fleet
    private var orders: [Order] = []
    private var isOver = false
    private var turn = 0

    /// The most that are there at once; guests share two cores.
    private static let mostAlive = 3
    /// The most that one run asks for.
    private static let mostCreates = 60
    /// Times that one request is sent, a second apart at least while nobody answers.
    private static let mostAttempts = 90

    init(_ fleet: Fleet) { self.fleet = fleet }

    var acknowledged: Int { orders.filter { $0.id != nil }.count }
    func end() { isOver = true }

    /// Works until `end`, and returns when the last request is answered.
    func run() async throws {
        while !isOver, orders.count < Self.mostCreates {
            try await create()
            if orders.filter({ !$0.isDeleted }).count > Self.mostAlive { try await deleteOldest() }
            try await letPass(.milliseconds(300))
        }
    }

    private func create() async throws {
        let number = orders.count
        let order = Order(key: UUID(), request: try fleet.request("load-\(number)"))
        orders.append(order)
        orders[number].id = try await insist { client in
            try await client.createCompute(order.request, idempotencyKey: order.key).data.id
        }
    }

    private func deleteOldest() async throws {
        guard let number = orders.firstIndex(where: { !$0.isDeleted }), let id = orders[number].id else {
            return
        }
        orders[number].isDeleted = true
        try await delete(id)
    }

    private func delete(_ id: String) async throws {
        try await insist { client in
            do {
                _ = try await client.deleteCompute(id: id)
            } catch let error as ClientError where error.status == 404 {
                return  // an attempt whose answer was lost has done it
            }
        }
    }

    /// Deletes what is left.
    func deleteAll() async throws {
        for number in orders.indices where !orders[number].isDeleted {
            orders[number].isDeleted = true
            if let id = orders[number].id { try await delete(id) }
        }
    }

    /// What contradicts that each key has made one compute: every create is sent once more.
    func contradictions() async throws -> [String] {
        var found: [String] = []
        for order in orders {
            let id = try await insist { client in
                try await client.createCompute(order.request, idempotencyKey: order.key).data.id
            }
            if id != order.id { found.append("key \(order.key) has made \(order.id ?? "nothing") and \(id)") }
        }
        let ids = orders.compactMap(\.id)
        if Set(ids).count != ids.count { found.append("two keys have made one compute") }
        return found
    }

    /// Asks one server after the other until one answers. What is refused is thrown.
    private func insist<T: Sendable>(_ body: @Sendable (StrettchClient) async throws -> T) async throws -> T {
        var options = StrettchClient.Options()
        options.retry = .never
        for _ in 0..<Self.mostAttempts {
            turn += 1
            do {
                return try await fleet.servers[turn % fleet.servers.count].client(options: options, body)
            } catch let error as ClientError where error.kind == .unreachable || (error.status ?? 0) >= 500 {
                try await letPass(.milliseconds(500))
            }
        }
        throw TestFailure("no server answered")
    }
}
