import CloudClient
import CloudWire
import Foundation

/// From a POST to its 202, which is sent after the commit has been synced: one client, one kept connection, machines
/// pretended. After each POST, the same file system's own synced append, as the floor under it.
struct CreateMeasurement {
    var count: Int

    /// Creates before the first that counts.
    private static let warmUps = 20
    /// Milliseconds at the median.
    private static let target = 10.0

    func run(in lab: Lab) async throws -> [Figure] {
        Lab.say("\(count) creates against a simulated server")
        var creates = Samples()
        var appends = Samples()
        let disk = try SyncedAppend(path: "\(lab.folder)/append")
        let clock = ContinuousClock()
        try await BenchServer.with(["--simulated"], in: lab, name: "sim") { _, client in
            for number in 1...(Self.warmUps + count) {
                let request = BenchRequest.make("create-\(number)")
                let key = UUID()
                let create = try await clock.measure {
                    _ = try await client.createCompute(request, idempotencyKey: key)
                }
                let append = try clock.measure { try disk.append() }
                guard number > Self.warmUps else { continue }
                creates.add(create)
                appends.add(append)
            }
        }
        var differences = Samples()
        for (create, append) in zip(creates.values, appends.values) { differences.add(create - append) }
        return [
            Figure("POST to 202", creates, target: Self.target),
            Figure("synced 4 KiB append", appends),
            Figure("POST beyond the append", differences),
        ]
    }
}

/// What is asked for in every measurement.
enum BenchRequest {
    /// A key whose parts have the lengths of a real one; nobody logs in.
    private static let publicKey =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3G5Cb0Nq1mU1m0q3x8J0oJtYk6h1rYb2m8z0m1Qx5k bench"

    static func make(_ hostName: String) -> CreateComputeWire {
        CreateComputeWire(
            hostName: hostName, image: "TINY-1", region: "KGL-1", specification: "S-1C",
            publicKeys: [publicKey],
            tags: ["bench"])
    }
}
