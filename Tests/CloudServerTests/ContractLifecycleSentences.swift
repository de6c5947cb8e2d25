import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import CloudWire
import HTTPTypes
import Testing

/// The API reference, power and size among "Endpoints", and "States", fact by fact. Which action goes with which state
/// is `StateTableTests`'; how the machine gets there is `PowerTests`'.
@Suite("The API reference on the life of a compute")
struct ContractLifecycleSentences {
    /// Action, method, path, the state that it needs, the one that it shows at once and the one that it leads to.
    static let actions: [(ComputeAction, String, from: ComputeState, shows: String, to: String)] = [
        (.start, "POST /computes/{id}/start", .stopped, "STARTING", "RUNNING"),
        (.stop, "POST /computes/{id}/stop", .running, "RUNNING", "STOPPED"),
        (.reboot, "POST /computes/{id}/reboot", .running, "REBOOTING", "RUNNING"),
        (.upsize, "PATCH /computes/{id}/upsize", .stopped, "STOPPED", "STOPPED"),
    ]

    @Test("start, stop, reboot and upsize answer 202 with the compute as it then is, and the work goes on")
    func actions() async throws {
        for (action, endpoint, from, shows, to) in Self.actions {
            try await TestCloud.with { cloud in
                let id = try await cloud.compute(in: from)
                let parts = endpoint.replacing("{id}", with: id).split(separator: " ").map(String.init)
                let body = action == .upsize ? "{\"newSpecification\": \"S-2C-4G\"}" : nil
                let answer = try await cloud.send(
                    try #require(HTTPRequest.Method(parts[0])), parts[1], body: body)
                #expect(answer.status == 202, "\(endpoint)")
                #expect(answer.data?["id"]?.string == id)
                #expect(answer.data?["state"]?.string == shows, "\(endpoint)")
                #expect(answer.data?["task"]?["action"]?.string == action.rawValue)
                try await cloud.settle()
                #expect(try await cloud.state(id) == to, "\(endpoint)")
            }
        }
    }

    @Test("RUNNING means that SSH answers: until then a compute is CREATING, STARTING or REBOOTING")
    func reached() async throws {
        for (state, awaited) in [
            (ComputeState.creating, "CREATING"), (.starting, "STARTING"), (.rebooting, "REBOOTING"),
        ] {
            try await TestCloud.with { cloud in
                let id = try await cloud.compute(in: state)
                await cloud.host.set(sshAnswers: false)
                try await cloud.work()
                #expect(await cloud.host.running.count == 1)
                #expect(try await cloud.state(id) == awaited)
                await cloud.host.set(sshAnswers: true)
                try await cloud.settle()
                #expect(try await cloud.state(id) == "RUNNING")
            }
        }
    }

    @Test("a stop asks the guest first and ends the machine by force when the guest does not heed it")
    func graceful() async throws {
        for heeds in [true, false] {
            try await TestCloud.with { cloud in
                let id = try await cloud.compute(in: .running)
                await cloud.host.set(heedsPowerButton: heeds)
                _ = try await cloud.act(.stop, on: id)
                try await cloud.work()
                #expect(await cloud.host.calls[.pressPowerButton] == 1)
                #expect(await cloud.host.running.isEmpty == heeds, "no force within the grace")
                cloud.clock.advance(milliseconds: 60_000)
                try await cloud.work()
                #expect(await cloud.host.running.isEmpty)
                #expect(try await cloud.state(id) == "STOPPED")
            }
        }
    }

    @Test("an upsize of a compute that runs is COMPUTE_RUNNING, and of a stopped one to less is refused")
    func upsize() async throws {
        try await TestCloud.with { cloud in
            let running = try await cloud.compute(in: .running)
            let refused = try await cloud.act(.upsize, on: running)
            #expect(refused.status == 400)
            #expect(refused.code == "COMPUTE_RUNNING")
            let stopped = try await cloud.compute(in: .stopped)
            let smaller = try await cloud.send(
                .patch, "/computes/\(stopped)/upsize", body: "{\"newSpecification\": \"S-1C\"}")
            #expect(smaller.code == "UNPROCESSABLE_ENTITY")
        }
    }

    @Test("the older dialect of an upsize names a UUID, and is answered in the newer one")
    func olderDialect() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.compute(in: .stopped)
            let list = try await cloud.send(.get, "/computes/specifications?limit=100").data?.array ?? []
            let uuid = list.first { $0["specification"]?.string == "S-2C-4G" }?["id"]?.string
            let answer = try await cloud.send(
                .patch, "/computes/\(id)/upsize", body: "{\"newSpecificationId\": \"\(try #require(uuid))\"}")
            #expect(answer.status == 202)
            #expect(answer.data?["specification"]?.string == "S-2C-4G")
            #expect(answer.data?["specificationId"] == nil)
        }
    }

    @Test("an action that does not fit the state is CONFLICT and changes nothing")
    func conflict() async throws {
        try await TestCloud.with { cloud in
            for (state, action) in [
                (ComputeState.running, ComputeAction.start), (.stopped, .stop), (.stopped, .reboot),
                (.creating, .start), (.destroying, .update),
            ] {
                let id = try await cloud.compute(in: state)
                let answer = try await cloud.act(action, on: id)
                #expect(answer.status == 409, "\(action) in \(state)")
                #expect(answer.code == "CONFLICT")
                #expect(try await cloud.state(id) == state.rawValue)
            }
        }
    }

    @Test(
        "from any state a delete leads to DESTROYING and DESTROYED, and then no list has the compute",
        arguments: ComputeState.allCases.filter { $0 != .destroyed })
    func destroyed(from state: ComputeState) async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.compute(in: state)
            let answer = try await cloud.act(.delete, on: id)
            #expect(answer.status == 202)
            #expect(answer.data?["state"]?.string == "DESTROYING")
            #expect(try await cloud.send(.get, "/computes").data?.array?.count == 1)
            try await cloud.settle()
            #expect(try await cloud.send(.get, "/computes").data?.array == [])
            #expect(try await cloud.send(.get, "/computes/\(id)").code == "RESOURCE_NOT_FOUND")
            let number = try #require(Int64(id))
            let row = try await cloud.cloud.database.read { sql in try sql.computes.get(number) }
            #expect(row?.state == .destroyed)
            #expect(await cloud.host.inventory().isEmpty)
        }
    }

    @Test("a create that fails after its 202 is FAILED with code and message, and gives back what it held")
    func failed() async throws {
        try await TestCloud.with { cloud in
            let body = TestCloud.body(more: ", \"withPublicIp\": true")
            await cloud.host.set(fault: { operation, _ in
                if operation == .boot { throw CloudError(.internalServerError, "planted") }
            })
            let created = try await cloud.create(body)
            #expect(created.status == 202)
            try await cloud.settle()
            let failed = try await cloud.send(.get, "/computes/\(created.data?["id"]?.string ?? "")").data
            #expect(failed?["state"]?.string == "FAILED")
            #expect(failed?["failure"]?["code"]?.string?.isEmpty == false)
            #expect(failed?["failure"]?["message"]?.string?.isEmpty == false)
            #expect(failed?["ipv4"] == nil && failed?["privateIpv4"] == nil)
            #expect(await cloud.host.inventory().isEmpty)
            let held = try await cloud.cloud.database.read { sql in
                try sql.query("SELECT kind, number FROM addresses WHERE holder_id IS NOT NULL").count
            }
            #expect(held == 0)
        }
    }

    @Test("a compute found by its tags is found by those that it has now")
    func tags() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle(TestCloud.body(more: ", \"tags\": [\"old\", \"kept\"]"))
            let body = "{\"tags\": [\"kept\", \"new\"]}"
            let changed = try await cloud.send(.patch, "/computes/\(id)", body: body)
            #expect(changed.data?["tags"]?.array == [.string("kept"), .string("new")])
            for (tag, count) in [("old", 0), ("kept", 1), ("new", 1)] {
                let found = try await cloud.send(.get, "/computes?tag=\(tag)").data?.array
                #expect(found?.count == count, "\(tag)")
            }
            #expect(try await cloud.send(.get, "/computes?tag=new&tag=old").data?.array == [])
        }
    }
}

extension TestCloud {
    /// A compute of the owner that came to `state` in the usual way, with nothing done about it yet where the state is
    /// one in which something is. Its id.
    fileprivate func compute(in state: ComputeState) async throws -> String {
        let id = try #require(try await create().data?["id"]?.string)
        switch state {
        case .creating: return id
        case .running: try await settle()
        case .stopped: try await settle([.stop], id)
        case .starting:
            try await settle([.stop], id)
            _ = try await act(.start, on: id)
        case .rebooting:
            try await settle()
            _ = try await act(.reboot, on: id)
        case .destroying:
            try await settle()
            _ = try await act(.delete, on: id)
        case .destroyed: try await settle([.delete], id)
        case .failed:
            await failCreates()
            try await settle()
            await host.set(imageStatus: .ready)
        }
        return id
    }

    /// Lets the worker end its work, and again after each action.
    private func settle(_ actions: [ComputeAction], _ id: String) async throws {
        try await settle()
        for action in actions {
            _ = try await act(action, on: id)
            try await settle()
        }
    }
}
