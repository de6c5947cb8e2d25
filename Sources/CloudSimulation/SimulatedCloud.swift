import CloudControl
import CloudCore
import CloudWire

extension Catalogue {
    /// A short catalogue.
    static var simulated: Catalogue {
        Catalogue(
            regions: [Region(id: 1, region: "KGL-1", name: "Kigali-1", countryCode: "RW")],
            images: [
                Image(
                    image: "TINY-1", imageName: "Tiny", version: "1", displayName: "Tiny 1",
                    source: .build(recipe: "tiny"))
            ],
            specifications: [
                Specification(
                    id: "0b7a1f1e-5d0c-4f0e-9d7e-1b1f6f1c0001", specification: "S-1C", vcpus: 1,
                    memoryMb: 512,
                    storageGb: 10, priceMonthMilliRwf: 3_999_000),
                Specification(
                    id: "0b7a1f1e-5d0c-4f0e-9d7e-1b1f6f1c0004", specification: "S-2C", vcpus: 2,
                    memoryMb: 4096,
                    storageGb: 80, priceMonthMilliRwf: 31_992_000),
            ])
    }
}

extension CloudSettings {
    /// Small enough that a few computes use everything up.
    static func simulated(_ shape: History.Shape) throws(SimulationError) -> CloudSettings {
        guard let range = IPv4Network("10.0.0.0/8") else {
            throw SimulationError("10.0.0.0/8 is no network.")
        }
        var settings = CloudSettings(
            privateRange: range, teamPrefix: 28,
            publicPool: (0..<UInt32(shape.publicAddresses)).compactMap {
                IPv4Network(base: IPv4Address(0xCB00_7100 + 2 * $0), prefix: 32)
            },
            placement: shape.isPacked ? .pack : .spread, peerRateLimit: 0)
        if shape.isBilled { settings.billing = BillingSettings(isOn: true, pastDueDays: 1, suspendedDays: 2) }
        return settings
    }
}

/// The bodies that clients send: what differs between them is what a key must tell apart.
enum CreateBody {
    private static let key =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC04p88JUAZwvTacWbfWN3Xxhodoc7vM/eJC8U/Yesin sim@strettch"

    static let all = [
        text(hostName: "one", specification: "S-1C", more: ", \"withPublicIp\": false"),
        text(hostName: "one", specification: "S-1C", more: ", \"withPublicIp\": true"),
        text(
            hostName: "two", specification: "S-2C",
            more: ", \"tags\": [\"a\", \"b\"], \"withPublicIp\": false"),
    ]

    /// One that starts with an image of the team's own.
    static func text(image: String) -> String {
        text(
            hostName: "over", image: image, specification: "S-1C", more: ", \"withPublicIp\": false")
    }

    private static func text(
        hostName: String, image: String = "TINY-1", specification: String, more: String
    ) -> String {
        """
        {"hostName": "\(hostName)", "image": "\(image)", "region": "KGL-1", "specification": "\(specification)", \
        "publicKeys": ["\(key)"]\(more)}
        """
    }

    /// The Idempotency-Key of a slot: a UUID of version 4.
    static func idempotencyKey(slot: Int) -> String {
        let digits = String(slot)
        return "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
    }
}

/// What is read out of an answer.
struct AnswerFields {
    private let data: JSONValue?

    init(_ answer: Program.Answer) {
        let json = try? JSONValue(parsing: Array(answer.text.utf8))  // no JSON: it has no fields
        data = Self.member("data", of: json)
    }

    var id: Int64? { Self.text(Self.member("id", of: data)).flatMap { Int64($0) } }
    var state: String? { Self.text(Self.member("state", of: data)) }
    var failure: String? { Self.text(Self.member("message", of: Self.member("failure", of: data))) }

    private static func member(_ name: String, of json: JSONValue?) -> JSONValue? {
        if case .object(let members) = json { members[name] } else { nil }
    }

    private static func text(_ json: JSONValue?) -> String? {
        if case .string(let text) = json { text } else { nil }
    }
}
