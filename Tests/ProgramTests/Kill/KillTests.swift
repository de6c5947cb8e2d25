import CloudTesting
import Foundation
import Testing

/// The real program, killed with -9 again and again under load. Few rounds, unless the environment asks for more:
/// `make kill ROUNDS=200 REAL=30`.
@Suite("Kill -9", .serialized)
struct KillTests {
    @Test("nothing is lost, duplicated, leaked or stuck, however often the program is killed")
    func simulated() async throws {
        let rounds = KillPlan.environment("ROUNDS", or: 12)
        try #require(rounds > 0)
        let report = try await KillRun.run(.simulated(rounds: rounds, seed: KillPlan.seed))
        FileHandle.standardError.write(Data("\(report.line)\n".utf8))
        #expect(report.acknowledged >= rounds, "there was load")
    }

    @Test(
        "the same with real guests, some of which are killed too",
        .enabled(if: RealCloud.isRoot, "bridges need root"))
    func real() async throws {
        let rounds = KillPlan.environment("REAL_ROUNDS", or: 2)
        try #require(rounds > 0)
        let report = try await KillRun.run(.real(rounds: rounds, seed: KillPlan.seed))
        FileHandle.standardError.write(Data("\(report.line)\n".utf8))
        #expect(report.acknowledged >= 1, "there was load")
    }

    @Test(
        "with many computes, half of them in the midst of something, nothing is left to do soon after a kill",
        .enabled(if: KillPlan.environment("COMPUTES", or: 0) > 0, "a measurement, made on request"))
    func recovery() async throws {
        let line = try await RecoveryMeasurement(computes: KillPlan.environment("COMPUTES", or: 0)).run()
        FileHandle.standardError.write(Data("\(line)\n".utf8))
    }
}
