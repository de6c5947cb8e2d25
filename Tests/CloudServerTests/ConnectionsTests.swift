import CloudCore
import HTTPTypes
import NIOCore
import NIOEmbedded
import Testing

@testable import CloudServer

@Suite("The table of connections")
struct ConnectionsTests {
    private static func limits(_ connections: Int, perPeer: Int, perGroup: Int = 100) -> ListenerLimits {
        var limits = ListenerLimits(connections: connections)
        limits.perPeer = perPeer
        limits.perGroup = perGroup
        return limits
    }

    private static func channel(_ address: String) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        channel.remoteAddress = try SocketAddress(ipAddress: address, port: 1)
        return channel
    }

    /// Lets a connection from each address in, one after the other, and tells which of them are open then.
    private func open(
        _ table: Connections, _ addresses: [String], busy: Set<Int> = []
    ) throws -> (isOpen: [Bool], isIn: [Bool]) {
        var channels: [EmbeddedChannel] = []
        var isIn: [Bool] = []
        for (index, address) in addresses.enumerated() {
            let channel = try Self.channel(address)
            let connection = table.admit(channel)
            if busy.contains(index) { connection?.works() }
            connection.map {
                if $0.waitingSince != nil { $0.waits(since: .uptimeNanoseconds(UInt64(index))) }
            }
            isIn.append(connection != nil)
            channels.append(channel)
            for channel in channels { channel.embeddedEventLoop.run() }
        }
        return (channels.map { $0.closeFuture.isFulfilled == false }, isIn)
    }

    @Test("closes the one that has waited longest for one more, so that it gets in")
    func full() throws {
        let table = Connections(Self.limits(3, perPeer: 3))
        let (isOpen, isIn) = try open(
            table, ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"], busy: [0])
        #expect(isIn == [true, true, true, true, true])
        #expect(isOpen == [true, false, false, true, true], "the first has a request under way")
        #expect(table.count == 3)
    }

    @Test("turns one away while all that are there have requests under way")
    func busy() throws {
        let table = Connections(Self.limits(2, perPeer: 2))
        let (_, isIn) = try open(table, ["10.0.0.1", "10.0.0.2", "10.0.0.3"], busy: [0, 1])
        #expect(isIn == [true, true, false])
        #expect(table.count == 2)
    }

    @Test("takes room for a peer that has too many from that peer alone, an IPv6 network being one")
    func peers() throws {
        let table = Connections(Self.limits(10, perPeer: 2))
        let (isOpen, _) = try open(
            table,
            [
                "10.0.0.1", "10.0.0.2", "10.0.0.2", "::ffff:10.0.0.2",
                "2001:db8:1:2::1", "2001:db8:1:2:ffff::2", "2001:db8:1:2:3:4:5:6", "2001:db8:1:3::1",
            ])
        #expect(isOpen == [true, false, true, true, false, true, true, true])
        let (_, isIn) = try open(
            Connections(Self.limits(10, perPeer: 1)), ["10.0.0.1", "10.0.0.1", "10.0.0.2"], busy: [0])
        #expect(isIn == [true, false, true])
    }

    @Test("bounds what an IPv6 site can have with all of its networks")
    func sites() throws {
        let table = Connections(Self.limits(100, perPeer: 10, perGroup: 3))
        let networks = (0..<5).map { "2001:db8:1:\($0)::1" } + ["2001:db8:2::1"]
        #expect(try open(table, networks).isOpen == [false, false, true, true, true, true])
    }

    @Test("bounds what the guests of a team can have of the metadata service: 128 together, and 16 each")
    func guests() throws {
        let teammates = (0..<9).flatMap { Array(repeating: "10.0.3.\($0)", count: 16) }
        let table = MetadataListener.connections(teamPrefix: 22)
        let (isOpen, isIn) = try open(table, ["10.0.4.1"] + teammates + ["10.0.4.2"])
        #expect(isIn.allSatisfy { $0 } && table.count == 130)
        #expect(isOpen.first == true && isOpen.last == true && isOpen.filter { $0 }.count == 130)
        let (ofOne, _) = try open(
            MetadataListener.connections(teamPrefix: 22), Array(repeating: "10.0.8.1", count: 17))
        #expect(ofOne == [false] + Array(repeating: true, count: 16))
    }

    @Test("bounds the connections of a trusted proxy with all others alone")
    func proxies() throws {
        let proxies = try #require(TrustedProxies("10.0.0.0/8, 2001:db8::/32"))
        let table = Connections(Self.limits(4, perPeer: 1, perGroup: 1), proxies)
        let addresses = ["10.0.0.1", "10.0.0.1", "2001:db8::1", "2001:db8::1", "10.0.0.1"]
        #expect(try open(table, addresses).isOpen == [false, true, true, true, true])
    }

    @Test("forgets what closes")
    func closes() throws {
        let table = Connections(Self.limits(2, perPeer: 1))
        for _ in 0..<3 {
            let channel = try Self.channel("10.0.0.1")
            let connection = try #require(table.admit(channel))
            connection.works()
            table.note(unread: 10, of: connection)
            #expect(table.unread == 10)
            _ = try channel.finish()
            table.note(unread: 20, of: connection)
            #expect(table.count == 0 && table.unread == 0)
        }
    }

    @Test("ends the connection with the most unread bytes when all together have too many")
    func fattest() throws {
        var limits = Self.limits(10, perPeer: 10)
        limits.unreadInAll = 100
        let table = Connections(limits)
        let channels = try (0..<3).map { _ in try Self.channel("10.0.0.1") }
        let connections = try channels.map { try #require(table.admit($0)) }
        for (connection, bytes) in zip(connections, [30, 50, 20]) {
            table.note(unread: bytes, of: connection)
        }
        for channel in channels { channel.embeddedEventLoop.run() }
        #expect(channels.map { !$0.closeFuture.isFulfilled } == [true, true, true])
        table.note(unread: 21, of: connections[2])
        for channel in channels { channel.embeddedEventLoop.run() }
        #expect(channels.map { !$0.closeFuture.isFulfilled } == [true, false, true])
        #expect(table.unread == 51)
    }

    @Test("counts requests of each peer and of all until they end")
    func requests() {
        let table = Connections(Self.limits(3, perPeer: 2))
        let (one, other) = (Peer.ipv4(1), Peer.ipv4(2))
        #expect(table.requestBegan(of: one) == nil && table.requestBegan(of: one) == nil)
        #expect(table.requestBegan(of: one)?.status == .tooManyRequests)
        #expect(table.requestBegan(of: other) == nil)
        #expect(table.requestBegan(of: other)?.status == .serviceUnavailable)
        table.requestEnded(of: one)
        #expect(table.requestBegan(of: other) == nil)
    }

    @Test("200 browsers of one address fit by default, and leave room for others")
    func browsers() {
        let limits = ListenerLimits()
        #expect(limits.perPeer >= 200 * 6)
        #expect(limits.connections >= 3 * limits.perPeer)
    }
}

extension EventLoopFuture {
    fileprivate var isFulfilled: Bool {
        var isFulfilled = false
        assumeIsolated().whenComplete { _ in isFulfilled = true }
        return isFulfilled
    }
}
