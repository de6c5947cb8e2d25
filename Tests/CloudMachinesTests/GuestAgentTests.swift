import CloudCore
import CloudTesting
import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import CloudMachines

@Suite("A guest's agent", .timeLimit(.minutes(2)))
struct GuestAgentTests {
    @Test("is asked to hold its file systems still, and to let them go, past what it had left to say")
    func answers() async throws {
        try await FakeAgent.with(.good) { agent, log in
            try await agent.freeze()
            #expect(log() == ["guest-sync-delimited", "guest-fsfreeze-freeze"])
            try await agent.thaw()
            #expect(log().last == "guest-fsfreeze-thaw")
        }
    }

    @Test(
        "one that answers nonsense, too much, no or not at all is given up in time",
        arguments: [FakeAgent.Kind.garbage, .flood, .refuses, .silent, .hangsUp, .holdsNothing])
    func hostile(_ kind: FakeAgent.Kind) async throws {
        try await FakeAgent.with(kind) { agent, _ in
            let start = ContinuousClock.now
            await #expect(throws: CloudError.self) { try await agent.freeze() }
            #expect(ContinuousClock.now - start < GuestAgent.limit + .seconds(3))
        }
    }

    @Test("a snapshot is of file systems that are held still, for its begin alone")
    func frozen() async throws {
        try await SnapshotLab.with { lab in
            try await withAgent(.good, lab) { lab, log in
                lab.expectTaken(try await lab.take(), .fileSystem)
                #expect(
                    log() == [
                        "guest-sync-delimited", "guest-fsfreeze-freeze", "guest-sync-delimited",
                        "guest-fsfreeze-thaw",
                    ])
                #expect(try await lab.has(1, lab.directory.disk))
            }
        }
    }

    @Test("a guest is let go again, whatever becomes of the program, its agent or the copy")
    func letGo() async throws {
        let moments: [(HostEffect, HostEffect.Moment)] = [
            (.markFrozen, .after), (.freezeGuest, .after), (.startSnapshot, .before),
            (.startSnapshot, .after),
            (.thawGuest, .before), (.thawGuest, .after), (.dropFrozen, .before), (.settleSnapshot, .before),
        ]
        try await SnapshotLab.with { lab in
            try await withAgent(.good, lab) { lab, log in
                for (effect, moment) in moments {
                    for erases in [false, true] {
                        await expectCrash(effect, moment) { _ = try await lab.take() }
                        if erases {
                            try await lab.host.eraseSnapshot(lab.snapshot)
                        } else {
                            lab.expectTaken(try await lab.take(), nil)
                        }
                        try await lab.untilThawed()
                        #expect(log().last == "guest-fsfreeze-thaw", "\(effect) \(moment) \(erases)")
                        try await lab.host.eraseSnapshot(lab.snapshot)
                        try await lab.expectNothingLeft()
                    }
                }
            }
        }
    }

    @Test(
        "an agent that freezes and never thaws, or never answers, makes no snapshot fail, and is asked until it thaws",
        arguments: [FakeAgent.Kind.neverThaws, .garbage])
    func neverThaws(_ kind: FakeAgent.Kind) async throws {
        try await SnapshotLab.with { lab in
            try await withAgent(kind, lab) { lab, _ in
                lab.expectTaken(try await lab.take(), kind == .neverThaws ? .fileSystem : .crash)
                try await lab.expectQEMUKnowsNothing()
                try await lab.host.eraseSnapshot(lab.snapshot)
                #expect(MachineFiles.exists(lab.host.directory(5).frozen), "it may stand still")
            }
            try await FakeAgent.with(.good, at: lab.host.directory(5).agentSocket) { _, log in
                try await lab.untilThawed()
                #expect(log() == ["guest-sync-delimited", "guest-fsfreeze-thaw"])
                #expect(try await lab.host.status(5) == .running)
            }
        }
    }

    @Test("what says that a guest may stand still goes with its process, and costs no look anything")
    func ended() async throws {
        try await SnapshotLab.with { lab in
            try await withAgent(.silent, lab) { lab, log in
                let frozen = lab.host.directory(5).frozen
                try MachineFiles.touch(frozen)
                let start = ContinuousClock.now
                for _ in 1...3 { #expect(try await lab.host.status(5) == .running) }
                #expect(ContinuousClock.now - start < GuestAgent.limit)
                try await eventually("the agent is asked") { !log().isEmpty }
                #expect(log() == ["guest-sync-delimited"], "one at a time")
                try await lab.host.halt(5)
                #expect(!MachineFiles.exists(frozen))
            }
        }
    }

    @Test("the agent of a guest that is held is not asked")
    func held() async throws {
        try await SnapshotLab.with { lab in
            try await withAgent(.good, lab) { lab, log in
                let process = lab.host.process(5)
                #expect(try await process.monitor.hold(HoldMark(path: lab.host.directory(5).hold)))
                lab.expectTaken(try await lab.take(), .crash)
                #expect(log() == [])
            }
        }
    }

    private func expectCrash(
        _ effect: HostEffect, _ moment: HostEffect.Moment, _ body: () async throws -> Void
    ) async {
        struct Crash: Error {}
        await #expect(throws: Crash.self, "nothing passes \(effect)") {
            try await HostEffect.$interruption.withValue({ made, when in
                if (made, when) == (effect, moment) { throw Crash() }
            }) { try await body() }
        }
    }

    /// A machine that runs, and an agent of ours in the place of QEMU's socket.
    private func withAgent(
        _ kind: FakeAgent.Kind, _ lab: SnapshotLab,
        _ body: (SnapshotLab, @escaping @Sendable () -> [String]) async throws -> Void
    ) async throws {
        try await lab.write(1)
        try await lab.host.boot(lab.machine)
        var lab = try await lab.reopened()
        lab.host.settings.guestsHaveAgents = true
        let socket = lab.host.directory(5).agentSocket
        try HostFiles.remove(socket)
        let here = lab
        try await FakeAgent.with(kind, at: socket) { _, log in try await body(here, log) }
    }
}

extension SnapshotLab {
    /// Looks at the machine until its guest has been let go.
    fileprivate func untilThawed() async throws {
        try await eventually("the guest is let go") {
            _ = try await host.status(5)
            return !MachineFiles.exists(host.directory(5).frozen)
        }
    }
}

/// What stands for QEMU's socket to the agent of a guest, and the agent behind it.
enum FakeAgent {
    enum Kind: Sendable { case good, garbage, flood, refuses, silent, hangsUp, holdsNothing, neverThaws }

    static func with(
        _ kind: Kind, at path: String? = nil,
        _ body: (GuestAgent, @escaping @Sendable () -> [String]) async throws -> Void
    ) async throws {
        let path = path ?? "/tmp/agent-\(UInt32.random(in: 0...UInt32.max))"
        let log = Log()
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(kind: kind, log: log))
                }
            }
            .bind(unixDomainSocketPath: path).get()
        do { try await body(GuestAgent(socket: path), { log.commands }) } catch {
            try await server.close()
            throw error
        }
        try await server.close()
        try HostFiles.remove(path)
    }

    private final class Log: Sendable {
        private let all = Mutex<[String]>([])
        var commands: [String] { all.withLock { $0 } }
        func note(_ command: String) { all.withLock { $0.append(command) } }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let kind: Kind
        private let log: Log
        private var rest = ""

        init(kind: Kind, log: Log) { (self.kind, self.log) = (kind, log) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data).readableBytesView.filter { $0 != 0xFF }
            rest += String(decoding: bytes, as: UTF8.self)
            while let end = rest.firstIndex(of: "\n") {
                let line = String(rest[..<end])
                rest.removeSubrange(...end)
                answer(line, context)
            }
        }

        private func answer(_ line: String, _ context: ChannelHandlerContext) {
            let command = line.firstMatch(of: /"execute":"([a-z-]+)"/).map { String($0.1) } ?? ""
            log.note(command)
            let number = line.firstMatch(of: /"id":(\d+)/).map { String($0.1) } ?? ""
            let isSync = command == "guest-sync-delimited"
            switch kind {
            case .silent: return
            case .hangsUp: context.close(promise: nil)
            case .garbage: say([0xFF] + Array("{]\n".utf8), context)
            case .flood: say([UInt8](repeating: 7, count: 1 << 20), context)
            case _ where isSync:
                say(
                    Array("{\"return\": 7}\n".utf8) + [0xFF] + Array("{\"return\": \(number)}\n".utf8),
                    context)
            case .neverThaws where command == "guest-fsfreeze-thaw": return
            case .refuses: say(Array(#"{"error": {"class": "GenericError", "desc": "no"}}\#n"#.utf8), context)
            case .good, .neverThaws: say(Array("{\"return\": 1}\n".utf8), context)
            case .holdsNothing: say(Array("{\"return\": 0}\n".utf8), context)
            }
        }

        private func say(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        }
    }
}
