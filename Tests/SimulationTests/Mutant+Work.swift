import CloudAudit
import CloudDatabase
import CloudSimulation

extension Mutant {
    /// Bugs in the work that follows an answer.
    static let ofWork: [Mutant] = [
        Mutant(
            "loses a job", breaks: Invariant.oneJob,
            .sql { statement in
                guard statement.has("UPDATE jobs SET step = $2"), statement.text(2) == "network",
                    let id = statement.int(1)
                else { return .none }
                return .replace("DELETE FROM jobs WHERE resource_id = $1", [id])
            }),
        Mutant(
            "does not show what it has done", breaks: Invariant.stateFitsStep,
            .sql { $0.has("UPDATE computes SET state") && $0.context.write == .saveConfirm ? .skip() : .none }
        ),
        Mutant(
            "makes a job that is never due", breaks: Invariant.nothingIsStuck,
            .sql { statement in
                guard statement.has("INSERT INTO jobs") else { return .none }
                return .replace(statement.text.replacing("$6, $6", with: "$6, NULL"), statement.arguments)
            }),
        Mutant(
            "does not give a lease back", breaks: ClientPromise.comesToRest,
            .skipping("UPDATE jobs SET lease_owner = NULL, lease_until_ms = NULL WHERE resource_id")),
        Mutant(
            "works on without looking whether it still has its lease and its host",
            breaks: Invariant.stateFitsStep, workingOn),
    ]

    /// Whatever it asks, it is told that host and lease are its own.
    private static let workingOn = Sabotage.sql { statement in
        if statement.has("SELECT 1 AS owned FROM hosts") {
            return .answer([SQLRow(["owned": .int(1)])])
        }
        if statement.has("SELECT lease_until_ms FROM jobs") {
            return .answer([SQLRow(["lease_until_ms": .int(.max)])])
        }
        if statement.has("UPDATE hosts SET heartbeat_ms") { return .skip() }
        guard statement.has("UPDATE jobs SET lease_until_ms = $3 WHERE") else { return .none }
        return .replace(
            "UPDATE jobs SET lease_until_ms = $3, lease_owner = $2 WHERE resource_id = $1",
            statement.arguments
        )
    }
}
