import CloudCore
import CloudTesting
import NIOCore
import NIOPosix
import Synchronization
import Foundation
import Testing

@testable import CloudMachines

@Suite("A real guest", .timeLimit(.minutes(5)))
struct QEMUGuestTests {
    /// What a guest may take to its SSH banner: 5 s on an idle host without KVM.
    private let bootLimit = Duration.seconds(60)

    @Test(
        """
        it is what its specification says, lets its key's owner in, reaches nothing that listens on the host, keeps its \
        files over a restart, stands still while there is no space, and heeds its power button
        """
    )
    func guest() async throws {
        let image = try await TinyImage.shared.store().ready(try TinyImage.image())
        try await QEMUFixture.withHost(image) { host, data in
            let key = "\(data)/key"
            try await Command(
                "ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", #"it's "me": #1"#, "-f", key]
            ).run()
            let publicKey = try #require(MachineFiles.text("\(key).pub", limit: 1000))
            let machine = try QEMUFixture.machine(
                keys: [publicKey.filter { !$0.isNewline }], sshPort: try await Self.freePort(), memoryMb: 192)
            try await host.makeDisk(machine, from: QEMUFixture.image)
            try await host.makeSeed(machine)
            #expect(await !host.answersSSH(machine))

            try await host.boot(machine)
            try await waitForSSH(host, machine)
            let login = SSHLogin(port: try #require(machine.attachment.sshPort), key: key)
            #expect(try await login.run("hostname") == "web-1")
            #expect(try await login.run("id -un") == "root")
            #expect(try await login.run("nproc") == "2")
            let memoryKb = try #require(Int(try await login.run("awk '/MemTotal/ {print $2}' /proc/meminfo")))
            #expect((150_000...196_608).contains(memoryKb))
            #expect(try await login.run("cat /sys/block/vda/size") == "\(10 << 30 / 512)")
            #expect(try await login.run("cat /sys/class/net/e*/address") == "52:54:0a:00:00:05")
            try await expectClosed(login)
            _ = try await login.run("echo kept > /root/file && sync")

            try await host.halt(machine.id)
            #expect(await !host.answersSSH(machine))
            try await host.boot(machine)
            try await waitForSSH(host, machine)
            #expect(try await login.run("cat /root/file") == "kept")

            try await standsStill(host, machine, login)

            try await host.pressPowerButton(machine.id)
            try await eventually("the guest powers off") { try await host.status(machine.id) == .poweredOff }
            try await host.pressPowerButton(machine.id)
            try await host.boot(machine)
            #expect(try await host.status(machine.id) == .running, "a boot follows a power-off")
        }
    }

    /// A guest that writes while the reserve is short is held, shows it, and goes on where it was once there is space.
    private func standsStill(_ host: QEMUHost, _ machine: Machine, _ login: SSHLogin) async throws {
        let full = host.full
        async let written = login.run("yes | head -c 33554432 > /root/large && sync && echo written")
        try await eventually("the guest is held") {
            try await full.keepReserve()?.held == [machine.id]
        }
        for _ in 0..<3 { #expect(try await full.status(machine.id) == .outOfSpace) }
        #expect(try await full.keepReserve()?.held == [], "it does not grow any more")
        #expect(try await host.status(machine.id) == .outOfSpace, "it stood still, and is let go")
        #expect(try await host.status(machine.id) == .running)
        #expect(try await written == "written")
        #expect(!MachineFiles.exists(host.directory(machine.id).hold))
    }

    /// The guest calls its gateway and its name server, which are the host's loopback to QEMU, and the host's own address.
    private func expectClosed(_ login: SSHLogin) async throws {
        let accepted = Mutex(0)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                accepted.withLock { $0 += 1 }
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "0.0.0.0", port: 0).get()
        let port = try #require(server.localAddress?.port)
        let addresses = try await Command("hostname", ["-I"]).run().standardOutput
            .split(whereSeparator: \.isWhitespace).compactMap { IPv4Address($0)?.description }
        for address in ["10.0.2.2", "10.0.2.3"] + addresses.prefix(1) {
            #expect(try await login.run("nc -w 1 \(address) \(port) </dev/null || echo closed") == "closed")
        }
        #expect(accepted.withLock { $0 } == 0)
        // The test would see it.
        #expect(await TCPProbe.accepts("127.0.0.1", port: port))
        try await eventually("it is accepted") { accepted.withLock { $0 } == 1 }
        try await server.close()
    }

    private func waitForSSH(_ host: QEMUHost, _ machine: Machine) async throws {
        try await eventually("the guest answers", within: bootLimit) { await host.answersSSH(machine) }
    }

    static func freePort() async throws -> Int {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        try await server.close()
        return port
    }
}

/// Runs commands in a guest as its root.
struct SSHLogin {
    var port: Int
    var key: String

    func run(_ command: String) async throws -> String {
        let output = try await Command(
            "ssh",
            [
                "-i", key, "-p", "\(port)", "-o", "StrictHostKeyChecking=no", "-o",
                "UserKnownHostsFile=/dev/null",
                "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "root@127.0.0.1",
                command,
            ]
        ).run()
        return output.standardOutput.filter { !$0.isNewline }
    }
}
