import CloudSimulation

extension Mutant {
    /// Bugs in moves between hosts.
    static let ofMoves: [Mutant] = [
        Mutant(
            "lets a guest go on at its destination before it stands still at its source",
            breaks: ClientPromise.guestRunsOnce,
            .sql { statement in
                guard statement.has("UPDATE moves SET phase"), statement.text(2) == "COPY" else {
                    return .none
                }
                return statement.with([2: "SWITCHED"])
            })
    ]
}
