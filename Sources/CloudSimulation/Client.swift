import CloudCore
import HTTPTypes

/// One client of a team: does its script, retries what was not answered, and remembers what was accepted.
struct Client: Sendable {
    let world: World
    let number: Int

    /// Attempts of one request, and milliseconds between two at most.
    static let maxAttempts = 6
    static let maxPauseMs = 3_000

    var team: Int { number % SimulatedStore.teams.count }

    func run(_ script: [History.Operation]) async {
        for operation in script {
            await world.clock.sit(milliseconds: operation.afterMs)
            await perform(operation.kind)
        }
    }

    private func perform(_ kind: History.Operation.Kind) async {
        switch kind {
        case .create(let slot, let body): await create(slot, body)
        case .createTwice(let slot, let body):
            async let first: Void = create(slot, body)
            await create(slot, body)
            await first
        case .act(let action, let slot): await act(action, slot)
        case .snapshot(let slot): await snapshot(slot)
        case .restore(let slot): await restore(slot)
        case .deleteSnapshot(let slot): await deleteSnapshot(slot)
        case .makeImage(let slot): await makeImage(slot)
        case .createOver(let slot): await createOver(slot)
        case .deleteImage(let slot): await deleteImage(slot)
        case .get(let slot):
            if let id = created(slot) { _ = await get(id) }
        case .list:
            _ = await retrying("lists") { await $0.answer(.get, "/computes", fields(), body: nil) }
        }
    }

    /// The compute of the slot, if its create was accepted.
    func created(_ slot: Int) -> Int64? { world.promises[Promises.Slot(team: team, slot: slot)]?.id }

    func create(_ number: Int, _ body: Int) async {
        let slot = Promises.Slot(team: team, slot: number)
        _ = await retrying("creates \(number) with body \(body)") { program in
            let known = world.promises[slot]
            let text = CreateBody.all[body]
            let answer = await Sabotage.$presentBody.withValue(text) {
                await program.answer(
                    .post, "/computes", fields(idempotencyKey: CreateBody.idempotencyKey(slot: number)),
                    body: text)
            }
            if let answer { world.promises.answered(slot, body: body, known: known, answer) }
            return answer
        }
    }

    private func act(_ action: ComputeAction, _ slot: Int) async {
        guard let id = created(slot) else { return }
        if action == .delete { world.promises.sending(deleteOf: id) }
        // An upsize takes away why the compute is STOPPED: its owner knows by then.
        if [.stop, .reboot, .upsize].contains(action) { world.promises.sending(stopOf: id) }
        let (method, path, body) = Self.request(action, id)
        let answer = await retrying("\(action.rawValue)s \(id)") {
            await $0.answer(method, path, fields(), body: body)
        }
        guard let answer else { return }
        switch answer.status {
        case 200, 202: if action == .delete { world.promises.accepted(deleteOf: id) }
        case 404: expectMayBeGone(id, answer)
        case 400, 402, 403, 409, 422: break
        default:
            world.promises.broke(.answerIsInTheContract, "\(action.rawValue) is answered \(answer.status)")
        }
    }

    private static func request(_ action: ComputeAction, _ id: Int64) -> (HTTPRequest.Method, String, String?)
    {
        switch action {
        case .create: (.post, "/computes", nil)
        case .start, .stop, .reboot: (.post, "/computes/\(id)/\(action.rawValue)", nil)
        case .upsize: (.patch, "/computes/\(id)/upsize", "{\"newSpecification\": \"S-2C\"}")
        case .update: (.patch, "/computes/\(id)", "{\"hostName\": \"renamed\"}")
        case .restore, .delete, .cleanUp, .putBack, .keep, .gone: (.delete, "/computes/\(id)", nil)
        }
    }

    /// The compute's state as the API shows it; `nil` when it is not found or nobody answers.
    func get(_ id: Int64) async -> (state: String, failure: String?)? {
        let mustBeGone = world.promises.mustBeGone(id)
        guard
            let answer = await retrying(
                "gets \(id)", { await $0.answer(.get, "/computes/\(id)", fields(), body: nil) })
        else { return nil }
        guard answer.status == 200 else {
            if answer.status == 404 {
                expectMayBeGone(id, answer)
            } else {
                world.promises.broke(.answerIsInTheContract, "a GET is answered \(answer.status)")
            }
            return nil
        }
        let shown = AnswerFields(answer)
        let state = shown.state ?? ""
        if mustBeGone, state != ComputeState.destroying.rawValue {
            world.promises.broke(
                .acceptedDeleteEnds, "compute \(id) is \(state) after its delete was accepted")
        }
        return (state, shown.failure)
    }

    func expectMayBeGone(_ id: Int64, _ answer: Program.Answer) {
        // A team that does not pay loses what it has.
        guard !world.promises.mayBeGone(id), !world.history.shape.isBilled else { return }
        world.promises.broke(
            .acceptedCreateIsThere, "compute \(id) was accepted, not deleted, and is answered 404")
    }

    func fields(idempotencyKey: String? = nil) -> HTTPFields {
        var fields: HTTPFields = [.contentType: "application/json"]
        fields[.authorization] = "Bearer \(world.store.keys[team])"
        if let idempotencyKey, let name = HTTPField.Name("Idempotency-Key") { fields[name] = idempotencyKey }
        return fields
    }

    /// Sends until there is an answer that is not the server's failure; `nil` when there is none.
    func retrying(
        _ what: String, _ send: (Program) async -> Program.Answer?
    ) async -> Program.Answer? {
        for _ in 0..<Self.maxAttempts {
            if let program = world.anyProgram() {
                world.countRequest()
                let answer = await send(program)
                let isLost = world.faults.answer()
                world.note {
                    "client \(number) \(what): \(isLost ? "lost " : "")\(answer.map { "\($0.status)" } ?? "none")"
                }
                if let answer, answer.status < 500, !isLost { return answer }
            }
            await world.clock.sit(milliseconds: Int64(1 + world.random(below: Self.maxPauseMs)))
        }
        return nil
    }
}
