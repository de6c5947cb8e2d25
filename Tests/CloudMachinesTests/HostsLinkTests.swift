import CloudMachines
import CloudTesting
import Testing

/// Who reaches the port by which programs of the cell reach a host, tried with real packets.
@Suite("The link between hosts", .serialized, .enabled(if: NetworkLab.isRoot, "namespaces need root"))
struct HostsLinkTests {
    @Test("other hosts reach a host's link, and no guest does, by whatever address it is seen")
    func guests() async throws {
        try await HostsLab.with(try HostsReachTests.places()) { lab, guests in
            try await lab.apply(guests)
            let (tools, here, there) = (lab.hosts[0], lab.hosts[0].host, lab.hosts[1].host)
            let (port, other) = (NetworkSettings.defaultLinkPort, NetworkSettings.defaultLinkPort + 1)
            try await tools.withListener(in: there, port: port) {
                try await tools.withListener(in: there, port: other) {
                    try await tools.withListener(in: here, port: port) {
                        // The first packet waits for an answer of who has the address.
                        try await eventually("the other host does") {
                            await tools.connects(here, HostsLab.underlay(1), port: port)
                        }
                        // The third guest has no public address, so it is seen as its host.
                        try await eventually("a guest reaches other ports") {
                            await tools.connects(guests[2].space, HostsLab.underlay(1), port: other)
                        }
                        for guest in [guests[0], guests[2]] {
                            for host in 0..<2 {
                                let reaches = await tools.connects(
                                    guest.space, HostsLab.underlay(host), port: port)
                                #expect(!reaches, "\(guest.address) to host \(host)")
                            }
                        }
                        try await tools.run(
                            here, "nft", "flush", "chain", "inet", "strettch_st", "link_forwarding")
                        let reaches = await tools.connects(
                            guests[2].space, HostsLab.underlay(1), port: port)
                        #expect(reaches, "without the rule it does")
                    }
                }
            }
        }
    }
}
