import CloudCore
import NIOCore
import NIOPosix
import Testing

@testable import CloudMachines

@Suite("The probe for KVM", .timeLimit(.minutes(1)))
struct AcceleratorProbeTests {
    private func probe(_ folder: String) -> AcceleratorProbe {
        AcceleratorProbe(program: "qemu-system-x86_64", folder: folder)
    }

    @Test("the boot sector runs where guest code certainly runs")
    func emulated() async throws {
        try await QEMUFixture.withFolder { folder in
            let runs = try await probe(folder).runsGuestCode(.tcg)
            #expect(runs)
        }
    }

    @Test("the answer says why, and is remembered until the host boots again")
    func remembered() async throws {
        try await QEMUFixture.withFolder { folder in
            let first = try await probe(folder).choice()
            #expect(!first.reason.isEmpty)
            let memory = try #require(MachineFiles.text("\(folder)/accelerator.json", limit: 4096))

            // Another program in QEMU's place would answer otherwise, if it were asked.
            var other = probe(folder)
            other.program = "/bin/false"
            #expect(try await other.choice() == first)

            let bootId = try #require(MachineFiles.text("/proc/sys/kernel/random/boot_id", limit: 36))
            let earlier = memory.split(separator: bootId).joined(separator: "an-earlier-boot")
            try await MachineFiles.write(earlier.utf8, to: "\(folder)/accelerator.json", as: nil)
            let asked = try await other.choice()
            #expect(asked.accelerator == .tcg)
            #expect(asked.reason.contains("/bin/false"))
        }
    }
}

@Suite("The probe for SSH", .timeLimit(.minutes(1)))
struct SSHProbeTests {
    private let loopback = IPv4Address(0x7F00_0001)

    /// A server that says `banner` to all who connect.
    private func serve(_ banner: String, _ body: (Int) async throws -> Void) async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Greeter(banner: banner))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        try await body(port)
        try await server.close()
    }

    @Test("an SSH banner is an answer")
    func banner() async throws {
        try await serve("SSH-2.0-dropbear\r\n") { #expect(await SSHProbe.answers(loopback, port: $0)) }
    }

    @Test("another greeting, a short one, and silence are none", arguments: ["220 mail\r\n", "SS", ""])
    func others(banner: String) async throws {
        try await serve(banner) { port in
            #expect(await !SSHProbe.answers(loopback, port: port))
        }
    }

    @Test("a closed port is none, however often it is asked")
    func closed() async throws {
        var free = 0
        try await serve("") { free = $0 }
        #expect(await !SSHProbe.answers(loopback, port: free))
        #expect(await !SSHProbe.answersSoon(loopback, port: free))
    }
}

/// Says its banner to whoever connects.
private final class Greeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let banner: String

    init(banner: String) { self.banner = banner }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: banner)), promise: nil)
    }
}

@Suite("Running other programs", .timeLimit(.minutes(1)))
struct CommandTests {
    @Test("a program that takes too long is killed")
    func timeLimit() async throws {
        let error = await #expect(throws: CloudError.self) {
            try await Command("sleep", ["50"], timeoutSeconds: 1).run()
        }
        #expect(error?.detail?.contains("did not end within 1 s") == true)
    }

    @Test("a program that fails has its own words in the detail")
    func failure() async throws {
        let error = await #expect(throws: CloudError.self) { try await Command("ls", ["/nowhere"]).run() }
        #expect(error?.detail?.contains("/nowhere") == true)
    }

    @Test("a missing program is an error that names the package to install")
    func missing() async throws {
        let error = await #expect(throws: CloudError.self) {
            try await Command("/nowhere/qemu-img", []).run()
        }
        #expect(error?.code == .serviceUnavailable)
        #expect(error?.message.contains("apt-get install qemu-utils") == true)
    }
}
