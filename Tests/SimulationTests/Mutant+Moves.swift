import CloudDatabase
import CloudSimulation

extension Mutant {
    /// Bugs in moves between hosts.
    static let ofMoves: [Mutant] = [
        Mutant(
            "lets a guest go on at its destination before it stands still at its source",
            breaks: ClientPromise.guestRunsOnce,
            .sql { statement in
                guard statement.context.write == .saveArrival else { return .none }
                if statement.has("UPDATE jobs SET step"), statement.text(2) == "copy" {
                    return statement.with([2: "switched"])
                }
                // The destination goes on.
                return statement.has("UPDATE jobs SET host_id") ? .skip() : .none
            })
    ]
}
