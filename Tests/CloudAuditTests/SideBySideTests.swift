import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting
import Testing

@Suite("Creates that go on side by side, on PostgreSQL")
struct SideBySideTests {
    @Test("are accepted exactly as long as the hosts have room")
    func room() async throws {
        try await SideBySide.with(vcpus: [7, 3, 11, 1, 8]) { programs in
            let answers = try await programs.create(48)
            #expect(answers.count(where: \.isAccepted) == 30)
            for case .refused(let code, let message) in answers {
                #expect(code == .unprocessableEntity && message.contains("vCPUs"), "\(message)")
            }
            let taken = try await programs.clouds[0].database.read { sql in
                try sql.hosts.list().map { $0.taken.vcpus }
            }
            #expect(taken == [7, 3, 11, 1, 8])
            #expect(try await programs.findings() == [])
            #expect(programs.runs.count < 48 * 2, "few are in each other's way: \(programs.runs.count) runs")
        }
    }

    @Test("are accepted exactly as long as the team's network has addresses, each given to one")
    func privateAddresses() async throws {
        try await SideBySide.with(vcpus: [40, 40], { $0.teamPrefix = 27 }) { programs in
            let answers = try await programs.create(40)
            // 32 less the network's own, .1 to .4, and the broadcast.
            #expect(answers.count(where: \.isAccepted) == 26)
            let base = Int64(programs.team.network.base.value)
            #expect(try await programs.held("private_ipv4") == (5...30).map { base + $0 })
            #expect(try await programs.findings() == [])
        }
    }

    @Test("are accepted exactly as long as there are public addresses, or ports, each given to one")
    func sharedNumbers() async throws {
        try await SideBySide.with(vcpus: [40, 40]) { programs in
            let answers = try await programs.create(12, withPublicIp: true)
            #expect(answers.count(where: \.isAccepted) == 3)
            #expect(Set(try await programs.held("public_ipv4")).count == 3)
            #expect(try await programs.findings() == [])
        }
        let ports = { (settings: inout CloudSettings) in settings.sshPorts = 22001...22010 }
        try await SideBySide.with(vcpus: [40, 40], ports) { programs in
            let answers = try await programs.create(16)
            #expect(answers.count(where: \.isAccepted) == 10)
            #expect(try await programs.held("ssh_port") == Array(22001...22010))
            #expect(try await programs.findings() == [])
        }
    }

    @Test("make one compute for each key, though the last room is gone when the same request comes again")
    func keys() async throws {
        try await SideBySide.with(vcpus: [1, 2]) { programs in
            let answers = try await programs.create(24, keyOf: { $0 % 3 })
            let texts = Set(
                answers.map { answer -> String in
                    if case .accepted(let text) = answer { text } else { "\(answer)" }
                })
            #expect(texts.count == 3, "each answer, refused or not: \(texts)")
            #expect(answers.count(where: \.isAccepted) == 24)
            #expect(try await programs.held("id").count == 3)
            #expect(try await programs.findings() == [])
        }
    }

    @Test("never share a host when a tag keeps them apart")
    func apart() async throws {
        try await SideBySide.with(vcpus: [40, 40, 40]) { programs in
            let answers = try await programs.create(12, tags: ["apart-db"])
            #expect(answers.count(where: \.isAccepted) == 3)
            #expect(Set(try await programs.held("host_id")).count == 3)
        }
    }

    @Test("spend a balance once")
    func balance() async throws {
        let billed = { (settings: inout CloudSettings) in settings.billing = BillingSettings(isOn: true) }
        try await SideBySide.with(vcpus: [40, 40], billed) { programs in
            let quote = try #require(Catalogue.test.specification("S-1C"))
            let price = Catalogue.test.price(of: quote, hasPublicIp: false)
            let day = 24 * price.hourMilliRwf
            _ = try await TopUp(
                teamId: programs.team.id, amountMilliRwf: 5 * day + day / 2, reference: "payment"
            ).run(in: programs.clouds[0])
            let answers = try await programs.create(12)
            #expect(answers.count(where: \.isAccepted) == 5)
            #expect(answers.allSatisfy { $0.isAccepted || $0.code == .insufficientBalance })
            #expect(try await programs.findings() == [])
        }
    }

    @Test("either come before the end of their team, which is refused then, or after it")
    func teamsThatEnd() async throws {
        try await SideBySide.with(vcpus: [400]) { programs in
            for number in 0..<12 {
                let made = try await CreateTeam(name: "short-\(number)").run(in: programs.clouds[0])
                let caller = Caller(keyId: made.key.key.id, teamId: made.team.id, role: .owner)
                async let answers = programs.create(2, as: caller)
                async let isDeleted = Self.delete(made.team.id, programs.clouds[1])
                let accepted = try await answers.count(where: \.isAccepted)
                let expected = try await isDeleted ? 0 : 2
                #expect(accepted == expected)
            }
            #expect(try await programs.findings() == [])
        }
    }

    @Test("never land on a host that has left the cell")
    func hostsThatLeave() async throws {
        try await SideBySide.with(vcpus: Array(repeating: 40, count: 9)) { programs in
            async let answers = programs.create(24)
            var removed = 0
            for number in 0..<8 {
                do {
                    _ = try await ChangeHost(name: "host-\(number)", change: .remove).run(
                        in: programs.clouds[1])
                    removed += 1
                } catch let error as CloudError {
                    #expect(error.code == .conflict)
                }
            }
            let accepted = try await answers.count(where: \.isAccepted)
            #expect(accepted == 24)
            let astray = try await programs.clouds[0].database.read { sql in
                try sql.query(
                    "SELECT c.id FROM computes c JOIN hosts h ON h.id = c.host_id WHERE h.state = 'REMOVED'")
            }
            #expect(astray.isEmpty, "\(removed) hosts were removed")
            #expect(try await programs.findings() == [])
        }
    }

    private static func delete(_ team: Int64, _ cloud: Cloud) async throws -> Bool {
        do {
            try await DeleteTeam(teamId: team).run(in: cloud)
            return true
        } catch let error as CloudError where error.code == .conflict {
            return false
        }
    }
}
