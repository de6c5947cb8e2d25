import CloudAudit
import CloudDatabase
import CloudSimulation

extension Mutant {
    /// Bugs in the work that follows an answer.
    static let ofWork: [Mutant] = [
        Mutant(
            "loses a job", breaks: Invariant.oneJob,
            .sql { statement in
                guard statement.has("UPDATE jobs SET step = $2"), statement.text(2) == "seed",
                    let id = statement.int(1)
                else { return .none }
                return .replace("DELETE FROM jobs WHERE compute_id = $1", [id])
            }),
        Mutant(
            "does not show what it has done", breaks: Invariant.stateFitsStep,
            .sql { $0.has("UPDATE computes SET state") && $0.context.write == .saveConfirm ? .skip() : .none }
        ),
        Mutant(
            "makes a job that is never due", breaks: Invariant.nothingIsStuck,
            .sql { statement in
                guard statement.has("INSERT INTO jobs") else { return .none }
                return .replace(statement.text.replacing("$4, $4", with: "$4, NULL"), statement.arguments)
            }),
        Mutant(
            "does not give a lease back", breaks: ClientPromise.comesToRest,
            .skipping("UPDATE jobs SET lease_owner = NULL, lease_until_ms = NULL WHERE compute_id")),
    ]
}
