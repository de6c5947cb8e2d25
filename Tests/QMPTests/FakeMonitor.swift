import NIOCore
import NIOPosix

/// A monitor on a unix socket that says what a test tells it to.
struct FakeMonitor: Sendable {
    /// What to do next on the one connection.
    enum Act: Sendable {
        /// Sends the text as it is; one write each, so that a frame can be split.
        case send(String)
        /// Waits for a line that contains the text.
        case expect(String)
        /// Cuts the connection.
        case cut
        /// Says no more and waits for the client to go.
        case silence
    }

    static let greeting = Act.send(
        #"{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}}, "capabilities": ["oob"]}}"#
            + "\r\n")
    static let negotiated: [Act] = [
        greeting, .expect("qmp_capabilities"), .send(#"{"return": {}, "id": 1}"# + "\n"),
    ]

    /// Lets `body` run against a monitor that plays `script` on its first connection.
    @discardableResult
    static func play<Result: Sendable>(
        _ script: [Act], _ body: @Sendable (_ path: String) async throws -> Result
    ) async throws -> Result {
        let path = "/tmp/strettch-qmp-\(UInt64.random(in: 0...UInt64.max)).sock"
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await server.executeThenClose { connections in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await connection in connections {
                        try await perform(script, on: connection)
                        return
                    }
                }
                let result = try await body(path)
                try await group.waitForAll()
                return result
            }
        }
    }

    private static func perform(
        _ script: [Act], on connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>
    ) async throws {
        try await connection.executeThenClose { inbound, outbound in
            var received = ""
            var reads = inbound.makeAsyncIterator()
            for act in script {
                switch act {
                case .send(let text): try await outbound.write(ByteBuffer(string: text))
                case .expect(let text):
                    while !received.contains(text), let bytes = try await reads.next() {
                        received += String(buffer: bytes)
                    }
                case .cut: return
                case .silence: while try await reads.next() != nil {}
                }
            }
        }
    }
}
