import CloudControl
import CloudCore
import CloudDatabase
import CloudLink
import CloudMachines
import CloudTesting
import CloudWorker
import Testing

extension CrashScript {
    /// What the operator and the accountant do.
    static let operations: [CrashScript] = [
        CrashScript("a first start") { world in
            _ = try await world.insist("the first start") {
                try await Bootstrap(keep: { _ in }).run(in: $0.cloud)
            }
        },
        CrashScript("a cell that comes from another database") { world in
            try await withTemporaryFolder { folder in
                let source = try await world.makeSource(in: folder)
                try await Engine.standard.withDatabase { target in
                    _ = try await world.insistAlone("the transfer", on: target) { database in
                        try await TransferDatabase(from: source, to: database).run()
                    }
                    let again = try await TransferDatabase(from: source, to: target).run()
                    #expect(again.wasThere && again.total > 0)
                }
            }
        },
        CrashScript("a new team") { world in
            try await world.insistOrDone("the team") { _ = try await CreateTeam(name: "one").run(in: $0) }
        },
        CrashScript("a new key", prepare: { try await $0.makeTeam() }) { world in
            try await world.insistOrDone("the key") {
                _ = try await CreateKey(name: "second", role: .member, by: .operator(teamId: 1)).run(in: $0)
            }
        },
        CrashScript("a revoked key", prepare: { try await $0.makeTeam() }) { world in
            try await world.insistOrDone("the revocation") {
                _ = try await RevokeKey(id: 2, by: .operator(teamId: 1)).run(in: $0)
            }
        },
        CrashScript("a key that is used", prepare: { try await $0.makeTeam() }) { world in
            let secret = world.secret
            try await world.insistOrDone("the use") { cloud in
                _ = try await Authenticate(authorization: "Bearer \(secret)").run(in: cloud)
                try await cloud.keyUse.write(to: cloud.database)
            }
        },
        CrashScript("a payment and a correction", prepare: { try await $0.makeTeam() }) { world in
            try await world.insistOrDone("the payment") {
                _ = try await TopUp(teamId: 1, amountMilliRwf: 5_000_000, reference: "p1").run(in: $0)
            }
            try await world.insistOrDone("the correction") {
                _ = try await CorrectWallet(teamId: 1, amountMilliRwf: -1, reference: "c1").run(in: $0)
            }
        },
        CrashScript("a suspension and its end", prepare: { try await $0.makeRunning() }) { world in
            try await world.insistOrDone("the suspension") {
                _ = try await SuspendTeam(teamId: 1).run(in: $0)
            }
            try await world.account()
            try await world.insistOrDone("its end") { _ = try await ResumeTeam(teamId: 1).run(in: $0) }
        },
        CrashScript("a program that is named to the others", prepare: { try await $0.makeTeam() }) { world in
            let link = RegisterLink(
                fingerprint: String(repeating: "a", count: 64), answersAPI: true, name: "server", address: nil
            )
            try await world.insistOrDone("the naming") { cloud in
                try await link.run(in: cloud.database, host: cloud.ownHost(), clock: cloud.clock)
            }
        },
        CrashScript(
            "a host that is cordoned, drained and open again, and the end of another",
            prepare: { world in
                try await world.makeRunning()
                try await RegisterHost(facts: HostFacts(identity: "host-2", name: "host-2"), owner: "second")
                    .run(in: world.program.cloud.database, HostClaim(), clock: world.clock)
            },
            run: { world in
                for change in [ChangeHost.Change.cordon, .drain, .uncordon] {
                    try await world.insistOrDone("the \(change)") {
                        _ = try await ChangeHost(name: "host-1", change: change).run(in: $0)
                    }
                }
                try await world.insistOrDone("the end") {
                    _ = try await ChangeHost(name: "host-2", change: .remove).run(in: $0)
                }
                try await world.settle()
            }),
        CrashScript(
            "a host that is lost and evacuated, and comes back", store: "store",
            prepare: { world in
                try await world.makeRunning()
                try await world.joinNeighbour()
            },
            run: { world in
                world.program.life.end()
                world.clock.advance(milliseconds: HostHeartbeat.downAfterMs + 1)
                try await world.evacuate()
                try await world.neighbour?.settle()
                // Its guest runs there still, which nobody could see.
                try await world.settle()
            }),
        CrashScript(
            "prices that are others than before",
            prepare: { world in
                try await world.makeRunning()
                let now = world.clock.nowMs
                try await world.program.cloud.database.write(.setPrices) { sql in
                    try sql.meters.change(1, to: Price(hourMilliRwf: 7, ipMonthMilliRwf: 0), nowMs: now)
                }
            },
            run: { world in
                try await world.account()
                let meter = try await world.program.cloud.database.read { sql in try sql.meters.get(1) }
                #expect(meter?.price == .free)
            }),
        CrashScript("a team's end", prepare: { try await $0.makeTeam() }) { world in
            try await world.insistOrDone("the end") { try await DeleteTeam(teamId: 1).run(in: $0) }
        },
        CrashScript(
            "a wallet that runs dry", settings: .billed,
            prepare: { world in
                try await world.makeTeam()
                _ = try await TopUp(teamId: 1, amountMilliRwf: 2_200_000, reference: "p1")
                    .run(in: world.program.cloud)
                try await world.createAndSettle()
                // Some minutes more or less, when something hangs, make no other hour of it.
                world.clock.advance(milliseconds: Meter.hourMs / 2)
            },
            run: { world in
                for _ in 0..<6 {
                    world.clock.advance(milliseconds: UTCDay.milliseconds)
                    try await world.account()
                }
            }),
    ]
}
