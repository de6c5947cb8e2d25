import CloudClient
import CloudTesting
import CloudWire
import Foundation
import Testing

extension FleetTests {
    /// Counts in a process's memory, and writes each number to a file as it comes.
    private static let counter =
        "(trap '' HUP; i=0; while :; do i=$((i+1)); echo $i; usleep 10000; done > /root/numbers) "
        + "</dev/null >/dev/null 2>&1 &"
    /// The line that is not its own number, if any, and how many there are.
    private static let gaps = "awk '$1 != NR { print \"gap\" NR; exit } END { print NR }' /root/numbers"
    private static let bootId = "cat /proc/sys/kernel/random/boot_id"
    /// Pings that the move may cost, each of which is waited for a second: those of the switch, and until the third host
    /// has followed.
    private static let mostLost = 6

    @Test("moves a guest to another host while it runs and is pinged, and empties a host that is drained")
    func moves() async throws {
        try await Fleet.with(hosts: 3, servers: 1) { fleet in
            let computes = try await fleet.createOneEach()
            let places = try await fleet.places()
            let (guest, teammate) = (computes[0], computes[1])
            let from = try #require(places[guest.id])
            let by = try #require(places[teammate.id])
            let to = try #require([1, 2, 3].first { $0 != from && $0 != by })
            let (source, third, destination) = (
                fleet.hosts[from - 1], fleet.hosts[by - 1], fleet.hosts[to - 1]
            )
            let bootId = try await source.ssh(guest, Self.bootId)
            _ = try await source.ssh(guest, Self.counter)
            _ = try await third.ssh(teammate, Self.pings(to: guest))

            let said = try await third.strettch(
                "admin", "compute", "move", guest.id, "--to", destination.name)
            #expect(said == "Compute \(guest.id) runs on \(destination.name).\n")
            #expect(try await fleet.places()[guest.id] == to)
            #expect(try source.guests().isEmpty)
            #expect(try await destination.ssh(guest, Self.bootId) == bootId)
            let counted = try #require(Int(try await destination.ssh(guest, Self.gaps)))
            try await eventually("the guest's process goes on", within: .seconds(20)) {
                guard let now = Int(try await destination.ssh(guest, Self.gaps)) else { return false }
                return now > counted
            }
            let answered = try await third.ssh(teammate, "grep -c ok /root/pings")
            try await eventually("the pings go on", within: .seconds(20)) {
                let now = try await third.ssh(teammate, "grep -c ok /root/pings")
                return try #require(Int(now)) > #require(Int(answered)) + 5
            }
            let lost = try await third.ssh(teammate, "grep -c lost /root/pings || true")
            #expect(try #require(Int(lost)) < Self.mostLost, "pings lost: \(lost)")
            try await fleet.quiet()
            #expect(try await fleet.findings() == [])

            let drained = try await third.strettch("admin", "host", "drain", destination.name)
            #expect(drained == "\(destination.name) is DRAINING; no computes are left on it.\n")
            #expect(try destination.guests().isEmpty)
            try await fleet.quiet()
            #expect(try await fleet.findings() == [])
            let after = try await fleet.places()
            #expect(after.count == 3 && !after.values.contains(to))
            try await fleet.expectAllReachEachOther(computes, after)
            #expect(try await fleet.hosts[(after[guest.id] ?? 1) - 1].ssh(guest, Self.bootId) == bootId)
        }
    }

    /// Pings again and again, and keeps what came of each.
    private static func pings(to guest: ComputeWire) -> String {
        "(trap '' HUP; while :; do ping -c 1 -W 1 \(guest.privateIpv4 ?? "") > /dev/null && echo ok || echo lost; "
            + "usleep 200000; done > /root/pings) </dev/null >/dev/null 2>&1 &"
    }
}
