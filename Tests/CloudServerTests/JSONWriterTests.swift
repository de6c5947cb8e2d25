import CloudTesting
import CloudWire
import FoundationEssentials
import Testing

@Suite("JSON of answers")
struct JSONWriterTests {
    private static func encoded(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    @Test("an answer about a compute, or a page of them, is what the encoder writes", arguments: 0..<20)
    func computes(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let one = random.envelope(random.compute())
            let (oneText, oneEncoded) = (try one.json(), try Self.encoded(one))
            #expect(oneText == oneEncoded)
            let page = random.envelope((0..<random.below(4)).map { _ in random.compute() })
            let (pageText, pageEncoded) = (try page.json(), try Self.encoded(page))
            #expect(pageText == pageEncoded)
        }
    }

    @Test("an answer about snapshots is what the encoder writes", arguments: 0..<20)
    func snapshots(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let page = random.envelope((0..<random.below(4)).map { _ in random.snapshot() })
            let (pageText, pageEncoded) = (try page.json(), try Self.encoded(page))
            #expect(pageText == pageEncoded)
        }
    }

    @Test("an answer about events, and a refusal, are what the encoder writes", arguments: 0..<20)
    func others(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let events = random.envelope((0..<random.below(4)).map { _ in random.event() })
            let (eventsText, eventsEncoded) = (try events.json(), try Self.encoded(events))
            #expect(eventsText == eventsEncoded)
            let refusal = random.refusal()
            let (refusalText, refusalEncoded) = (try refusal.json(), try Self.encoded(refusal))
            #expect(refusalText == refusalEncoded)
        }
    }

    @Test("every character is written as the encoder writes it")
    func characters() throws {
        for value in UInt32(0)...0x2FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let problem = ProblemWire(field: String(scalar), message: "")
            guard try problem.json() != Self.encoded(problem) else { continue }
            Issue.record("U+\(String(value, radix: 16))")
        }
    }

    @Test("what does not write itself is encoded")
    func encoder() throws {
        let region = RegionWire(id: 1, region: "KGL-1", name: "Kigali/1", countryCode: "RW")
        #expect(try region.json() == #"{"countryCode":"RW","id":1,"name":"Kigali/1","region":"KGL-1"}"#)
    }
}

extension SeededGenerator {
    private mutating func maybe<T>(_ value: (inout SeededGenerator) -> T) -> T? {
        below(2) == 0 ? nil : value(&self)
    }

    private mutating func number() -> Int {
        switch below(3) {
        case 0: below(10)
        case 1: Int.random(in: .min ... .max, using: &self)
        default: [Int.min, Int.max, -1][below(3)]
        }
    }

    fileprivate mutating func envelope<Payload: Codable & Sendable & JSONWritable>(
        _ data: Payload
    ) -> EnvelopeWire<Payload> {
        EnvelopeWire(
            message: text(), data: data,
            meta: maybe { random in
                MetaWire(
                    total: random.maybe { $0.number() }, page: random.maybe { $0.number() },
                    limit: random.number(), nextCursor: random.maybe { $0.text() })
            },
            warnings: maybe { random in (0..<random.below(3)).map { _ in random.text() } },
            requestId: text(), timestamp: text())
    }

    fileprivate mutating func compute() -> ComputeWire {
        ComputeWire(
            id: text(), hostName: text(), state: text(), image: text(), specification: text(), region: text(),
            ipv4: maybe { $0.text() }, privateIpv4: maybe { $0.text() }, sshEndpoint: maybe { $0.text() },
            tags: (0..<below(4)).map { _ in text() }, deletionProtection: below(2) == 0, createdAt: text(),
            updatedAt: text(),
            task: maybe { $0.task() },
            failure: maybe { FailureWire(code: $0.text(), message: $0.text()) }, cost: maybe { $0.text() })
    }

    private mutating func task() -> TaskWire {
        TaskWire(
            action: maybe { $0.text() }, step: text(), since: text(), attempts: number(),
            note: maybe { $0.text() })
    }

    fileprivate mutating func snapshot() -> SnapshotWire {
        SnapshotWire(
            id: text(), name: text(), computeId: text(), state: text(), image: text(), storageGb: number(),
            sizeBytes: maybe { $0.number() }, consistency: maybe { $0.text() },
            deletionProtection: below(2) == 0, createdAt: text(), updatedAt: text(),
            task: maybe { $0.task() },
            failure: maybe { FailureWire(code: $0.text(), message: $0.text()) }, cost: maybe { $0.text() })
    }

    fileprivate mutating func event() -> EventWire {
        EventWire(
            id: text(), kind: text(), at: text(),
            actor: ActorWire(type: text(), keyId: maybe { $0.text() }, keyName: maybe { $0.text() }),
            computeId: maybe { $0.text() },
            resource: maybe { ResourceWire(kind: $0.text(), id: $0.text()) },
            requestId: maybe { $0.text() }, detail: maybe { $0.text() })
    }

    fileprivate mutating func refusal() -> ErrorWire {
        ErrorWire(
            code: text(), message: text(),
            errors: maybe { random in
                (0..<random.below(3)).map { _ in ProblemWire(field: random.text(), message: random.text()) }
            },
            requestId: text(), timestamp: text())
    }
}
