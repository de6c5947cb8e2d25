import CloudCore
import CloudTesting
import Testing

@testable import CloudMachines

/// What a guest that has broken out of QEMU reaches: it is the machine's user on the host. Programs stand in its place, run as
/// that user; the same as root and as another user prove that the test would see it.
@Suite("A machine's user", .serialized, .enabled(if: NetworkLab.isRoot, "network namespaces need root"))
struct NetworkMachineUserTests {
    private static let machine = MachineUser.id(of: 5)

    private static func run(as uid: UInt32, _ words: [String]) -> [String] {
        ["setpriv", "--reuid=\(uid)", "--regid=\(uid)", "--clear-groups", "--no-new-privs"] + words
    }

    private static func connect(as uid: UInt32, _ address: String, _ port: Int) -> [String] {
        run(as: uid, ["nc", "-z", "-n", "-w", "1", address, "\(port)"])
    }

    /// Which of the addresses with ports the user connects to, all tried at once.
    private func reached(_ lab: NetworkLab, as uid: UInt32, _ targets: [(String, Int)]) async -> [String] {
        await withTaskGroup(of: String?.self) { group in
            for (address, port) in targets {
                group.addTask {
                    await lab.succeeds(lab.host, Self.connect(as: uid, address, port))
                        ? "\(address):\(port)" : nil
                }
            }
            return await group.reduce(into: []) { $0 += [$1].compactMap(\.self) }.sorted()
        }
    }

    @Test("reaches nothing on the host, no guest and nobody outside; other users do")
    func closed() async throws {
        let attachments = [
            try NetworkLab.attachment(compute: 5, team: 1, publicIpv4: "203.0.113.5"),
            try NetworkLab.attachment(compute: 7, team: 2),
        ]
        try await NetworkLab.with(attachments) { lab, guests in
            try await lab.network.apply(NetworkPlan(attachments: attachments))
            try await lab.withListener(in: lab.host, port: 8080) {
                try await lab.withListener(in: guests[0].space, port: 22) {
                    try await lab.withListener(in: guests[1].space, port: 22) {
                        try await lab.withListener(in: lab.outside, port: 49152) {
                            let targets = [
                                ("127.0.0.1", 8080), (guests[0].gateway, 8080),
                                (NetworkLab.uplinkAddress, 8080),
                                (guests[0].address, 22), (guests[1].address, 22), ("203.0.113.5", 22),
                                (NetworkLab.outsideAddress, 49152),
                            ]
                            let all = targets.map { "\($0.0):\($0.1)" }.sorted()
                            // The first packet of each way waits for an answer of who has the address.
                            try await eventually("another user reaches all", within: .seconds(30)) {
                                await reached(lab, as: 65534, targets) == all
                            }
                            for uid in [Self.machine, MachineUser.all.lowerBound, MachineUser.all.upperBound]
                            {
                                #expect(await reached(lab, as: uid, targets) == [], "\(uid)")
                            }
                            try await eventually("the next user does", within: .seconds(30)) {
                                await reached(lab, as: MachineUser.all.upperBound + 1, targets) == all
                            }
                        }
                    }
                }
            }
        }
    }

    @Test("can't take the metadata service's place while that is down")
    func metadata() async throws {
        let attachments = [try NetworkLab.attachment(compute: 5, team: 1)]
        try await NetworkLab.with(attachments) { lab, guests in
            try await lab.network.apply(NetworkPlan(attachments: attachments))
            let metadata = lab.network.settings.metadata
            let program = """
                use Socket;
                socket(my $s, PF_INET, SOCK_STREAM, 6) or die $!;
                bind($s, sockaddr_in($ARGV[1], inet_aton($ARGV[0]))) or die $!;
                """
            let listen = ["perl", "-e", program, "\(metadata.address)", "\(metadata.port)"]
            #expect(await !lab.succeeds(lab.host, Self.run(as: Self.machine, listen)))
            #expect(await lab.succeeds(lab.host, listen), "the server does")
            // Where the operator has set a port that is anybody's, it may listen, and answers nobody.
            let settings = try NetworkSettings(metadata: "169.254.83.84:8775")
            let network = BridgedNetwork(settings: settings, commandPrefix: lab.network.commandPrefix)
            try await network.apply(NetworkPlan(attachments: attachments))
            for (uid, isReached) in [(Self.machine, false), (65534, true)] {
                try await lab.withListener(in: lab.host, port: 8775, as: Self.run(as: uid, [])) {
                    #expect(
                        await lab.connects(guests[0].space, "169.254.169.254", port: 80) == isReached,
                        "\(uid)")
                }
            }
        }
    }

    @Test("reaches the ports of moves on another host by the way between the hosts, and no others")
    func moves() async throws {
        try await HostsLab.with(try HostsReachTests.places()) { lab, guests in
            try await lab.apply(guests)
            let (source, destination) = (lab.hosts[0], lab.hosts[1])
            let (there, here) = (HostsLab.underlay(1), HostsLab.underlay(0))
            let asMachine = Self.run(as: Self.machine, [])
            try await destination.withListener(in: destination.host, port: 49153, as: asMachine) {
                try await destination.withListener(in: destination.host, port: 8080) {
                    try await source.withListener(in: source.host, port: 49153) {
                        // The other host's uplink is reached from another address of this one.
                        let targets = [
                            (there, 49153), (there, 8080), (HostsLab.uplink(1), 49153), ("127.0.0.1", 49153),
                            (here, 49153),
                        ]
                        try await eventually("another user reaches it", within: .seconds(30)) {
                            await reached(source, as: 65534, [(there, 8080)]) == ["\(there):8080"]
                        }
                        #expect(await reached(source, as: Self.machine, targets) == ["\(there):49153"])
                    }
                }
            }
            try await source.withListener(in: guests[0].space, port: 49153) {
                let call = ["nc", "-z", "-n", "-w", "1", "-s", here, guests[0].address, "49153"]
                #expect(await !source.succeeds(source.host, Self.run(as: Self.machine, call)))
            }
        }
    }

    @Test("frames between hosts take no place in the kernel's table of connections")
    func untracked() async throws {
        try await HostsLab.with(try HostsReachTests.places()) { lab, guests in
            try await lab.apply(guests)
            let (host, other) = (lab.hosts[0], guests.first { $0.host == 1 && $0.attachment.teamId == 1 })
            try await host.flood(guests[0].space, try #require(other).address, count: 100)
            for host in lab.hosts {
                let table = try await host.run(host.host, "cat", "/proc/net/nf_conntrack")
                #expect(!table.contains("dport=4789"), "\(table)")
            }
        }
    }

    @Test("is a number of its own for each machine, and none that guests booted ahead have")
    func numbers() {
        #expect(MachineUser.id(of: 5) == 1_879_048_197)
        #expect(MachineUser.id(of: 5 + 1 << 24) == MachineUser.id(of: 5))
        let warm = MachineUser.id(of: MachineUUID.firstWarm + 5)
        #expect(warm == 1_879_048_197 + 1 << 24)
        #expect(MachineUser.all.contains(warm) && MachineUser.all.contains(1_879_048_197))
    }
}
