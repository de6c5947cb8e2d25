import CloudClient
import CloudCore
import CloudMachines
import CloudTesting
import CloudWire
import Foundation
import Testing

/// What becomes of guests that really boot when they are stopped, started, resized, rebooted, and when they or the
/// server end on their own. Root is needed for bridges.
@Suite("The life of a real guest", .serialized, .enabled(if: RealCloud.isRoot, "bridges need root"))
struct RealLifecycleTests {
    @Test(
        "a guest is stopped, made larger, started and rebooted, keeps files and addresses, and leaves nothing"
    )
    func power() async throws {
        try await RealCloud.with { cloud in
            let clean = try await cloud.leftovers()
            var request = try cloud.request()
            // As an editor on Windows writes it.
            let script = "#!/bin/sh\r\necho \"once $(hostname)\" >>/root/ran\r"
            request.userData = script + "\n"
            let created = try await cloud.client { [request] in
                try await $0.createCompute(request, idempotencyKey: UUID())
            }.data
            let first = try await cloud.wait(created.id, until: "RUNNING")
            #expect(try await cloud.size(first) == GuestSize(vcpus: 1, memoryMb: 512, disk: "10G"))
            try await eventually("the user data has run") {
                try await cloud.ssh(first, "cat /root/ran || true") == "once my-server-01"
            }
            let served = try await cloud.ssh(
                first, "wget -T 30 -qO- http://169.254.169.254/metadata/v1/user-data")
            #expect(served == script.trimmingCharacters(in: .newlines))
            // A server that accepts and says nothing.
            let silent = try await cloud.ssh(
                first,
                "(sleep 30 | nc -l -p 9) >/dev/null 2>&1 & until netstat -ltn | grep -q ':9 '; do usleep 10000; done; "
                    + "wget -T 1 -q http://127.0.0.1:9/ 2>&1; echo $?")
            #expect(silent == "wget: download timed out\n1")
            _ = try await cloud.ssh(first, "echo kept >/root/file; sync")
            let running = await #expect(throws: ClientError.self) {
                try await cloud.client {
                    try await $0.upsizeCompute(id: first.id, UpsizeComputeWire(newSpecification: "S-2C-4G"))
                }
            }
            #expect(running?.code == "COMPUTE_RUNNING")

            // 60 s of grace: a stop that is done well before that was heeded.
            let begin = ContinuousClock.now
            #expect(
                try await cloud.strettch("compute", "stop", first.id, "--wait")
                    == "my-server-01 (1) is STOPPED.\n")
            #expect(ContinuousClock.now - begin < .seconds(45), "the guest was asked, and went by itself")
            #expect(try await cloud.guests().isEmpty)
            #expect(FileManager.default.fileExists(atPath: "\(cloud.data)/machines/1/disk.qcow2"))
            let larger = try await cloud.client {
                try await $0.upsizeCompute(id: first.id, UpsizeComputeWire(newSpecification: "S-2C-4G"))
            }.data
            #expect(larger.state == "STOPPED" && larger.specification == "S-2C-4G")
            try await cloud.settle(first.id)
            try await cloud.strettch("compute", "start", first.id, "--wait")
            let second = try await cloud.wait(first.id, until: "RUNNING")
            #expect(try await cloud.size(second) == GuestSize(vcpus: 2, memoryMb: 4096, disk: "80G"))
            #expect(try await cloud.ssh(second, "cat /root/file /root/ran") == "kept\nonce my-server-01")
            #expect(second.ipv4 == first.ipv4 && second.privateIpv4 == first.privateIpv4)

            let boot = try await cloud.bootId(second)
            // Longer than a kernel takes: the guest goes by its first part.
            let name = "renamed-01." + String(repeating: "a", count: 60)
            try await cloud.strettch("compute", "update", first.id, "--name", name)
            #expect(
                try await cloud.strettch("compute", "reboot", first.id, "--wait")
                    == "\(name) (1) is RUNNING.\n")
            let third = try await cloud.client { try await $0.compute(id: first.id) }.data
            #expect(try await cloud.bootId(third) != boot)
            #expect(
                try await cloud.ssh(
                    third, "hostname; cat /root/file; grep -c \"$(hostname).aaaa\" /etc/hosts")
                    == "renamed-01\nkept\n1")
            #expect(third.ipv4 == first.ipv4 && third.privateIpv4 == first.privateIpv4)

            try await cloud.strettch("compute", "delete", first.id, "--yes", "--wait")
            #expect(try await cloud.guests().isEmpty)
            #expect(try await cloud.leftovers() == clean)
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(cloud.data)/machines").isEmpty)
        }
    }

    @Test("a guest that goes, crashes, or does not heed is STOPPED with the reason, also over a kill -9")
    func ends() async throws {
        try await RealCloud.with { cloud in
            let request = try cloud.request()
            let id = try await cloud.client {
                try await $0.createCompute(request, idempotencyKey: UUID())
            }.data.id
            var compute = try await cloud.wait(id, until: "RUNNING")

            // The guest powers itself off; the connection may end before the command does.
            _ = try await cloud.ssh(compute, "poweroff")
            compute = try await cloud.stopped(id, code: "GUEST_STOPPED", within: .seconds(15))
            #expect(try await cloud.guests().isEmpty)

            try await cloud.client { _ = try await $0.startCompute(id: id) }
            compute = try await cloud.wait(id, until: "RUNNING")
            #expect(compute.failure == nil)
            for pid in try await cloud.guests() { kill(pid, SIGKILL) }
            compute = try await cloud.stopped(id, code: "GUEST_CRASHED", within: .seconds(7))

            try await cloud.client { _ = try await $0.startCompute(id: id) }
            compute = try await cloud.wait(id, until: "RUNNING")
            let boot = try await cloud.bootId(compute)
            try await cloud.client { _ = try await $0.rebootCompute(id: id) }
            try await cloud.wait(id, at: .stopping)
            try await cloud.end(SIGKILL)
            try await cloud.start(more: ["--stop-grace", "2"])
            compute = try await cloud.wait(id, until: "RUNNING")
            #expect(try await cloud.bootId(compute) != boot, "the reboot went on")

            // The host reboots: no server, no guest, no network is left.
            try await cloud.end(SIGKILL)
            for pid in try await cloud.guests() { kill(pid, SIGKILL) }
            try await cloud.renewNamespace()
            let rebooted = try await cloud.anotherBoot()
            try await cloud.start(more: ["--stop-grace", "2"], behind: rebooted)
            compute = try await cloud.wait(id, until: "RUNNING")
            #expect(try await cloud.guests().count == 1, "it was started again by itself")

            // Deaf: nothing in the guest listens to the power button any more.
            _ = try await cloud.ssh(compute, "echo '#!/bin/sh' >/etc/acpi/PWRF/00000080")
            try await cloud.client { _ = try await $0.stopCompute(id: id) }
            try await cloud.wait(id, at: .stopping)
            try await cloud.end(SIGKILL)
            #expect(try await cloud.guests().count == 1, "it does not heed")
            try await cloud.start(more: ["--stop-grace", "2"], behind: rebooted)
            compute = try await cloud.stopped(id, code: nil, within: .seconds(15))
            #expect(try await cloud.guests().isEmpty)

            let events = try await cloud.client { try await $0.computeEvents(id: id, limit: 50) }.data
            // A look at the new boot's empty network may come before the network is made.
            let kinds = events.reversed().map(\.kind).filter { $0 != "compute.network.repaired" }
            #expect(
                kinds == [
                    "compute.created", "compute.running", "compute.stopped", "compute.start.requested",
                    "compute.running", "compute.stopped", "compute.start.requested", "compute.running",
                    "compute.reboot.requested", "compute.running", "compute.start.requested",
                    "compute.running", "compute.stop.requested", "compute.stopped",
                ])
            #expect(
                events.filter { $0.detail == "the host was rebooted" }.map(\.actor.type) == ["system"])
        }
    }
}

/// What a guest sees of its own size.
struct GuestSize: Equatable {
    var vcpus: Int
    /// Rounded up to the 512 MB that specifications are multiples of, since the kernel keeps some for itself.
    var memoryMb: Int
    var disk: String
}

extension RealCloud {
    func size(_ compute: ComputeWire) async throws -> GuestSize {
        let lines = try await ssh(
            compute, "nproc; free -m | awk '/^Mem/ {print $2}'; lsblk | awk '/^vda/ {print $4}'"
        ).split(separator: "\n")
        guard lines.count == 3, let vcpus = Int(lines[0]), let memoryMb = Int(lines[1]) else {
            throw TestFailure("no size: \(lines)")
        }
        return GuestSize(vcpus: vcpus, memoryMb: (memoryMb + 511) / 512 * 512, disk: String(lines[2]))
    }

    /// Differs for each boot.
    fileprivate func bootId(_ compute: ComputeWire) async throws -> String {
        try await ssh(compute, "cat /proc/sys/kernel/random/boot_id")
    }

    /// Waits until nothing is being done to the compute.
    @discardableResult
    fileprivate func settle(_ id: String) async throws -> ComputeWire {
        try await eventually("nothing is done to compute \(id)", within: .seconds(60)) {
            try await client { try await $0.compute(id: id) }.data.task == nil
        }
        return try await client { try await $0.compute(id: id) }.data
    }

    /// Waits until the compute is STOPPED, and expects the reason.
    fileprivate func stopped(
        _ id: String, code: String?, within limit: Duration
    ) async throws -> ComputeWire {
        try await eventually("compute \(id) is STOPPED", within: limit) {
            try await client { try await $0.compute(id: id) }.data.state == "STOPPED"
        }
        let compute = try await settle(id)
        #expect(compute.state == "STOPPED" && compute.failure?.code == code)
        return compute
    }
}
