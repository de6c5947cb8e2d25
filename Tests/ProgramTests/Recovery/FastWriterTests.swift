import CloudClient
import CloudTesting
import CloudWire
import Foundation
import Testing

@Suite(
    "A guest that fills the disk", .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["STRETTCH_TEST_DEEP"] != nil, "make deep runs it"),
    .enabled("mounting needs root, and a machine that lets it", { await SmallDisk.isPossible() }))
struct FastWriterTests {
    /// With a reserve of a tenth, 150 MiB.
    private static let diskKilobytes = 1_536_000
    private static let takenMegabytes = 700
    /// Written 25 times: a block that is in the guest's memory, so that nothing but the disk slows it down.
    private static let blockMegabytes = 32
    private static let write = "for i in $(seq 25); do cat /block/block; done >/root/large && sync"

    @Test(
        "stands still, however fast it writes, goes on where it was once there is space, and sees no error"
    )
    func fastest() async throws {
        try await RealCloud.with { cloud in
            try await cloud.end(SIGTERM)
            let machines = "\(cloud.data)/machines"
            try await SmallDisk.with(machines, kilobytes: Self.diskKilobytes) { disk in
                try await disk.take(megabytes: Self.takenMegabytes)
                try await cloud.start()
                let request = try cloud.request()
                let id = try await cloud.client {
                    try await $0.createCompute(request, idempotencyKey: UUID())
                }.data.id
                let compute = try await cloud.wait(id, until: "RUNNING")
                // Not zeros, which take no space.
                _ = try await cloud.ssh(
                    compute,
                    "mkdir /block && mount -t tmpfs block /block && yes | head -c \(Self.blockMegabytes << 20) >/block/block"
                )
                _ = try await cloud.ssh(
                    compute, "(\(Self.write); echo $? >/root/status) </dev/null >/root/log 2>&1 &")
                // How much is left depends on when the server gets a processor (docs/decisions/0030).
                try await eventually("the guest stands still", within: .seconds(120)) {
                    try await cloud.client { try await $0.compute(id: id) }.data.failure?.code == "DISK_FULL"
                }

                try disk.free()
                try await eventually("the guest has written", within: .seconds(120)) {
                    try await cloud.ssh(compute, "cat /root/status || true") == "0"
                }
                #expect(try await cloud.ssh(compute, "dmesg | grep -ci error || true") == "0")
                #expect(
                    try await cloud.ssh(compute, "ls -l /root/large | awk '{print $5}'")
                        == "\(25 * Self.blockMegabytes << 20)")
                // Those that were written before and after it stood still; to compare all takes the guest a minute.
                let block = "dd if=/root/large bs=\(Self.blockMegabytes)M skip=$i count=1 2>/dev/null"
                let compare =
                    "for i in $(seq 19 24); do \(block) | cmp - /block/block || exit 1; done; echo same"
                #expect(try await cloud.ssh(compute, compare) == "same")
                try await eventually("nothing is told of it any more") {
                    try await cloud.client { try await $0.compute(id: id) }.data.failure == nil
                }
                try await cloud.expectNoFindings()
            }
        }
    }
}
