import CloudAudit
import CloudCore
import CloudDatabase
import CloudTesting
import Testing

/// One way to break one promise in the database, of a cloud with the computes 1 (RUNNING, with a public address), 2
/// (STOPPED), 3 (DESTROYED) and 4 (FAILED), all of team 1, which is billed.
struct Damage: Sendable, CustomTestStringConvertible {
    var what: String
    var statements: [String]
    /// As `TestCloud.findings` has them.
    var findings: [String]

    init(_ what: String, _ statements: String..., findings: String...) {
        self.what = what
        self.statements = statements
        self.findings = findings
    }

    var testDescription: String { what }
}

@Suite("What the audit promises of the database")
struct DatabaseInvariantTests {
    private static let countedAsRebooting =
        "UPDATE compute_totals SET state = 'REBOOTING' WHERE state = 'RUNNING' AND n = 1"

    static let damages = [
        Damage(
            "a key is lost", "DELETE FROM idempotency_keys WHERE resource_id = 1",
            findings: "one-key-per-compute 1"),
        Damage(
            "a second key for the same compute",
            """
            INSERT INTO idempotency_keys SELECT team_id, endpoint, 'another', request, resource_id, answer,
                created_at_ms, expires_at_ms FROM idempotency_keys WHERE resource_id = 1
            """, findings: "one-key-per-compute 1"),
        Damage(
            "a key of no compute",
            """
            INSERT INTO idempotency_keys (team_id, endpoint, idempotency_key, request, answer, created_at_ms)
            VALUES (1, 'POST /computes', 'lost', '{}', '{}', 1)
            """, findings: "one-key-per-compute"),
        Damage(
            "an answer that names another compute",
            "UPDATE idempotency_keys SET answer = REPLACE(answer, '\"id\":\"1\"', '\"id\":\"11\"')",
            findings: "answer-names-compute 1"),
        Damage(
            "nobody asked for a compute",
            "UPDATE events SET kind = 'compute.seen' WHERE resource_id = 2 AND kind = 'compute.created'",
            findings: "create-is-logged 2"),
        Damage(
            "an address outside of the team's network", "UPDATE computes SET private_ipv4 = 1 WHERE id = 1",
            findings: "held-in-range 1", "addresses-name-their-holders 1", "network"),
        Damage(
            "a public address outside of the pool", "UPDATE computes SET public_ipv4 = 1 WHERE id = 1",
            findings: "held-in-range 1", "addresses-name-their-holders 1", "network"),
        Damage(
            "an address that is given back and held",
            "UPDATE addresses SET holder_id = NULL WHERE holder_id = 1",
            findings: "addresses-name-their-holders 1"),
        Damage(
            "an address that a DESTROYED compute has still",
            "UPDATE addresses SET holder_id = 3 WHERE kind = 'private4' AND number = (SELECT MAX(number) FROM addresses "
                + "WHERE kind = 'private4' AND holder_id IS NULL)",
            findings: "addresses-name-their-holders 3"),
        Damage(
            "a compute without its address", "UPDATE computes SET private_ipv4 = NULL WHERE id = 2",
            findings: "holds-its-address 2", "addresses-name-their-holders 2", "host-counts-its-computes",
            "network"),
        Damage(
            "a DESTROYED compute with an address", "UPDATE computes SET private_ipv4 = 2 WHERE id = 3",
            findings: "gone-holds-nothing 3", "addresses-name-their-holders 3", "host-counts-its-computes"),
        Damage(
            "a host that counts what nobody holds", "UPDATE hosts SET taken_vcpus = taken_vcpus + 1",
            findings: "host-counts-its-computes"),
        Damage(
            "a compute that is on no host", "UPDATE computes SET host_id = NULL WHERE id = 3",
            findings: "host-counts-its-computes 3"),
        Damage(
            "a FAILED compute with a port", "UPDATE computes SET ssh_port = 22001 WHERE id = 4",
            findings: "gone-holds-nothing 4", "addresses-name-their-holders 4"),
        Damage(
            "two teams with the same network",
            "UPDATE teams SET network_prefix = 21 WHERE id = 1", findings: "teams-are-apart",
            "network", "network"),
        Damage(
            "a deleted team with a key that works", "UPDATE teams SET deleted_at_ms = 1 WHERE id = 2",
            findings: "deleted-team-holds-nothing"),
        Damage(
            "a list that counts one too many", "UPDATE compute_totals SET n = n + 1 WHERE state = 'STOPPED'",
            findings: "totals-are-counts"),
        Damage(
            "a list that counts nothing", "DELETE FROM compute_totals WHERE state = 'STOPPED'",
            findings: "totals-are-counts"),
        Damage("a compute without a job", "DELETE FROM jobs WHERE resource_id = 3", findings: "one-job 3"),
        Damage(
            "a job that is due and that nobody takes up",
            "UPDATE jobs SET due_at_ms = 1 WHERE resource_id = 1",
            findings: "nothing-is-stuck 1"),
        Damage(
            "a step that goes on for too long",
            "UPDATE computes SET state = 'REBOOTING' WHERE id = 1", countedAsRebooting,
            "UPDATE jobs SET action = 'reboot', step = 'shutdown', due_at_ms = 99999999999999 WHERE resource_id = 1",
            "UPDATE events SET kind = 'compute.reboot.requested' WHERE resource_id = 1 AND kind = 'compute.running'",
            findings: "nothing-is-stuck 1"),
        Damage(
            "a state that does not fit the step", "UPDATE computes SET state = 'REBOOTING' WHERE id = 1",
            countedAsRebooting, findings: "state-fits-step 1", "state-has-its-event 1"),
        Damage(
            "an intent that does not fit the state", "UPDATE computes SET intent = 'STOPPED' WHERE id = 1",
            findings: "state-fits-step 1", "process 1"),
        Damage(
            "a DESTROYED compute with work to do that is never due",
            "UPDATE jobs SET step = 'release' WHERE resource_id = 3",
            findings: "state-fits-step 3", "nothing-is-stuck 3"),
        Damage(
            "a meter that never began", "UPDATE meters SET began_at_ms = NULL WHERE resource_id = 2",
            findings: "meter-follows-state 2",
            "ledger-is-its-recomputation 2"),
        Damage(
            "a meter that goes on",
            "UPDATE meters SET ended_at_ms = NULL, is_settled = 0 WHERE resource_id = 3",
            findings: "meter-follows-state 3"),
        Damage(
            "no meter", "DELETE FROM meter_prices WHERE resource_id = 1",
            "DELETE FROM meters WHERE resource_id = 1",
            findings: "meter-follows-state 1"),
        Damage(
            "another price", "UPDATE meter_prices SET hour_milli_rwf = 1 WHERE resource_id = 1",
            findings: "price-is-the-catalogues 1", "ledger-is-its-recomputation 1"),
        Damage(
            "a charge that no meter knows", "UPDATE meters SET debited_to_ms = 0 WHERE resource_id = 2",
            findings: "ledger-is-its-recomputation 2"),
        Damage(
            "a charge that was never made",
            "UPDATE meters SET debited_to_ms = debited_to_ms + 86400000 WHERE resource_id = 2",
            findings: "ledger-is-its-recomputation 2"),
        Damage(
            "a wallet that says more", "UPDATE wallets SET balance_milli_rwf = 1 WHERE team_id = 1",
            findings: "wallet-is-its-ledger"),
        Damage(
            "a balance in the middle that is none",
            "UPDATE ledger SET balance_milli_rwf = balance_milli_rwf + 1 WHERE number = 1",
            findings: "wallet-is-its-ledger", "wallet-is-its-ledger"),
        Engine.standard == .sqlite
            ? Damage(
                "an event is lost", "DELETE FROM events WHERE kind = 'team.created' AND team_id = 2",
                findings: "events-have-no-gap")
            : Damage(
                "events can be taken out", "DROP TRIGGER events_append_only ON events",
                findings: "events-have-no-gap"),
        Damage(
            "a state without its event",
            "UPDATE events SET kind = 'compute.seen' WHERE resource_id = 2 AND kind = 'compute.stopped'",
            findings: "state-has-its-event 2"),
        Damage(
            "an end without its event",
            "UPDATE events SET kind = 'compute.seen' WHERE resource_id = 3 AND kind = 'compute.destroyed'",
            findings: "state-has-its-event 3"),
    ]

    @Test("is kept by a cloud that works, and each of these breaks it in one place", arguments: damages)
    func damaged(_ damage: Damage) async throws {
        try await TestCloud.withFourComputes { cloud in
            let before = try await cloud.findings()
            #expect(before == [])
            try await cloud.vandalize(damage.statements)
            let findings = try await cloud.findings()
            #expect(findings == damage.findings)
        }
    }

    @Test("what is given out beyond the host's capacity is told")
    func capacity() async throws {
        try await TestCloud.withFourComputes { cloud in
            try await cloud.vandalize(["UPDATE hosts SET vcpus = 1, memory_mb = 1024"])
            let findings = try await cloud.audit().run()
            #expect(findings.map(\.invariant) == [.capacityIsKept])
            #expect(
                findings.first?.what.contains(
                    "has given out 2 vCPUs, 2048 MB of RAM and 40 GB of disk, and has 1 vCPUs, 1024 MB of RAM"
                )
                    == true)
        }
    }
}

extension TestCloud {
    /// Runs `body` with the cloud that `Damage` tells of, two days after the creates.
    static func withFourComputes(_ body: @escaping @Sendable (TestCloud) async throws -> Void) async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            try await cloud.topUp(1_000_000_000)
            _ = try await cloud.createAndSettle(TestCloud.body(more: ", \"withPublicIp\": true"))
            for _ in 2...3 { _ = try await cloud.createAndSettle() }
            await cloud.failCreates()
            _ = try await cloud.createAndSettle()
            _ = try await cloud.act(.stop, on: "2")
            _ = try await cloud.act(.delete, on: "3")
            try await cloud.settle()
            cloud.advance(hours: 48)
            try await cloud.account()
            try await body(cloud)
        }
    }
}
