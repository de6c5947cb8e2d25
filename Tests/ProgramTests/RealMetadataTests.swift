import CloudClient
import CloudMachines
import CloudTesting
import CloudWire
import Foundation
import Testing

/// The metadata service, asked from inside of a guest that really boots. Root is needed for bridges.
@Suite("Metadata of a real guest", .serialized, .enabled(if: RealCloud.isRoot, "bridges need root"))
struct RealMetadataTests {
    @Test(
        "a guest reads what it is, asks the name servers that are set, gets a token, and reads its own compute with it"
    )
    func guest() async throws {
        try await RealCloud.with { cloud in
            try await cloud.end(SIGTERM)
            try await cloud.start(environment: ["STRETTCH_NAMESERVERS=192.0.2.53, 192.0.2.54"])
            let request = try cloud.request()
            let created = try await cloud.client {
                try await $0.createCompute(request, idempotencyKey: UUID())
            }
            let compute = try await cloud.wait(created.data.id, until: "RUNNING")
            let base = "http://169.254.169.254/metadata/v1"

            #expect(try await cloud.ssh(compute, "wget -qO- \(base)/id") == compute.id)
            #expect(try await cloud.ssh(compute, "wget -qO- \(base)/hostname") == "my-server-01")
            #expect(
                try await cloud.ssh(compute, "cat /etc/resolv.conf")
                    == "nameserver 192.0.2.53\nnameserver 192.0.2.54")
            let address = try await cloud.ssh(compute, "wget -qO- \(base)/interfaces/private/0/ipv4/address")
            #expect(address == compute.privateIpv4)

            let answer = try await cloud.ssh(
                compute, "wget -qO- --header 'X-Resource-ID: \(compute.id)' \(base)/auth-token")
            let credentials = try JSONDecoder().decode(Credentials.self, from: Data(answer.utf8))
            let own = try await cloud.ssh(
                compute,
                "wget -qO- --header 'Authorization: Bearer \(credentials.token)' "
                    + "\(credentials.cloudAPIUrl)/computes/\(compute.id)")
            let shown = try JSONDecoder().decode(EnvelopeWire<ComputeWire>.self, from: Data(own.utf8))
            #expect(shown.data.id == compute.id && shown.data.state == "RUNNING")

            let fromOutside = try await cloud.client(key: credentials.token) {
                try await $0.compute(id: compute.id)
            }
            #expect(fromOutside.data.hostName == "my-server-01", "the API itself takes the token as well")
            await #expect(throws: ClientError.self) {
                try await cloud.client(key: credentials.token) { try await $0.deleteCompute(id: compute.id) }
            }
            let closed = try await cloud.ssh(
                compute, "wget -T 2 -qO- http://169.254.83.84:288/metadata/v1/id || echo closed")
            #expect(closed == "closed")

            try await cloud.end(SIGTERM)
            let log = try String(contentsOfFile: "\(cloud.folder)/serve.log", encoding: .utf8)
            #expect(!log.contains("CancellationError"), "the end was orderly: \(log.suffix(500))")
        }
    }

    private struct Credentials: Decodable {
        var token: String
        var cloudAPIUrl: String
    }
}
