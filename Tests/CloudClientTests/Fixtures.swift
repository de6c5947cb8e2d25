import CloudClient
import CloudTesting
import CloudWire
import Foundation

let requestId = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
let time = "2024-01-15T10:00:00Z"

func compute(id: String = "325", state: String = "CREATING") -> ComputeWire {
    ComputeWire(
        id: id, hostName: "web-\(id)", state: state, image: "UBUNTU-24.04", specification: "S-1C",
        region: "KGL-1", ipv4: nil, privateIpv4: "10.0.0.5", sshEndpoint: nil, tags: [],
        deletionProtection: false, createdAt: time,
        updatedAt: time, task: nil, failure: nil)
}

let create = CreateComputeWire(
    hostName: "web-1", image: "UBUNTU-24.04", region: "KGL-1", specification: "S-1C",
    publicKeys: ["ssh-ed25519 AAAA a/b"])

func success(_ data: some Codable & Sendable, meta: MetaWire? = nil) -> String {
    json(EnvelopeWire(data: data, meta: meta, requestId: requestId, timestamp: time))
}

func failure(_ code: String, _ message: String = "why", errors: [ProblemWire]? = nil) -> String {
    json(ErrorWire(code: code, message: message, errors: errors, requestId: requestId, timestamp: time))
}

private func json(_ value: some Encodable) -> String {
    do {
        return String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    } catch {
        return "a fixture can't be encoded: \(error)"
    }
}

/// Options with which nothing is waited for.
func instantOptions(_ clock: InstantClock = InstantClock()) -> StrettchClient.Options {
    var options = StrettchClient.Options()
    options.clock = clock
    return options
}
