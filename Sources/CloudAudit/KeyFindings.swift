extension AuditSnapshot {
    /// Who asked for the computes.
    var keyFindings: [AuditFinding] {
        createKeysAmiss.map {
            AuditFinding(
                .oneKeyPerCompute, computeId: $0.computeId,
                "compute \($0.computeId) has \($0.count) idempotency keys of its create in place of 1. If it has a twin, "
                    + "delete that one; keep the database for whoever looks into it.")
        }
            + keysWithoutResource.map {
                AuditFinding(
                    .oneKeyPerCompute,
                    "the idempotency key \($0.key) of \($0.endpoint ?? "") stands for no resource of its team. What "
                        + "was answered to it is lost: restore the database from a backup.")
            }
            + answersAmiss.map {
                AuditFinding(
                    .answerNamesCompute, computeId: $0.computeId,
                    "the answer that is kept with the key \($0.key) does not name its resource "
                        + "\($0.computeId.map { "\($0)" } ?? ""). A retry would be told of another one: restore the "
                        + "row from a backup.")
            }
            + createEventsAmiss.map {
                AuditFinding(
                    .createIsLogged, computeId: $0.computeId,
                    "compute \($0.computeId) has \($0.count) events that say who asked for it in place of 1. Restore "
                        + "the events from a backup.")
            }
    }
}
