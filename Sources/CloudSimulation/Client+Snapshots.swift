import CloudCore
import HTTPTypes

/// What a client does with snapshots. Each slot has one at most, since its key is always the same.
extension Client {
    func snapshot(_ number: Int) async {
        guard let id = created(number) else { return }
        let slot = Promises.Slot(team: team, slot: number)
        let answer = await retrying("takes a snapshot of \(id)") {
            await $0.answer(
                .post, "/computes/\(id)/snapshots",
                fields(idempotencyKey: CreateBody.idempotencyKey(slot: 100 + number)),
                body: "{\"name\": \"before\"}")
        }
        guard let answer else { return }
        switch answer.status {
        case 202: world.promises.accepted(snapshotOf: slot, answer)
        case 404: expectMayBeGone(id, answer)
        default: expectRefusal("a snapshot", answer)
        }
    }

    func restore(_ number: Int) async {
        guard let id = created(number), let snapshot = snapshotId(number) else { return }
        let answer = await retrying("restores \(id) from \(snapshot)") {
            await $0.answer(
                .post, "/computes/\(id)/restore", fields(), body: "{\"snapshot\": \"\(snapshot)\"}")
        }
        guard let answer, answer.status != 202, answer.status != 404 else { return }
        expectRefusal("a restore", answer)
    }

    func deleteSnapshot(_ number: Int) async {
        guard let id = snapshotId(number) else { return }
        world.promises.sending(deleteOf: id)
        let answer = await retrying("deletes snapshot \(id)") {
            await $0.answer(.delete, "/snapshots/\(id)", fields(), body: nil)
        }
        guard let answer else { return }
        switch answer.status {
        case 202: world.promises.accepted(deleteOf: id)
        case 404: expectMayBeGone(id, answer)
        default: expectRefusal("a snapshot's delete", answer)
        }
    }

    /// The snapshot of the slot, if one was accepted.
    func snapshotId(_ number: Int) -> Int64? {
        world.promises.snapshots[Promises.Slot(team: team, slot: number)]
    }

    private func expectRefusal(_ what: String, _ answer: Program.Answer) {
        guard ![402, 403, 409, 422].contains(answer.status) else { return }
        world.promises.broke(.answerIsInTheContract, "\(what) is answered \(answer.status)")
    }

    /// Looks at the slot's snapshot at rest: it is READY, or FAILED for a reason, or gone where somebody deleted it.
    func judgeSnapshot(_ id: Int64) async {
        let answer = await retrying("gets snapshot \(id)") {
            await $0.answer(.get, "/snapshots/\(id)", fields(), body: nil)
        }
        guard let answer else { return }
        guard answer.status == 200 else { return expectMayBeGone(id, answer) }
        let shown = AnswerFields(answer)
        switch shown.state.flatMap(SnapshotState.init) {
        case .ready where !world.promises.mustBeGone(id): break
        case .failed where shown.failure != nil && !world.promises.mustBeGone(id): break
        default:
            world.promises.broke(
                .acceptedSnapshotIsThere, "snapshot \(id) came to rest as \(shown.state ?? "nothing")")
        }
    }
}
