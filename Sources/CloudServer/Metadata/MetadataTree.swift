import CloudCore

/// What a guest is told of its compute, as a tree of texts below `/metadata/v1/`. The names are those that cloud-init
/// reads from clouds with such a tree (cloud-init, "DigitalOcean").
struct MetadataTree: Sendable, Equatable {
    /// Texts by path, one value a line, without the last line break.
    private var texts: [String: String]

    init(_ compute: Compute) {
        texts = [
            "id": String(compute.id), "hostname": compute.hostName, "region": compute.region,
            "image": compute.image, "specification": compute.specification,
            "public-keys": compute.publicKeys.joined(separator: "\n"),
            "tags": compute.tags.joined(separator: "\n"),
            // Asked for with a header of its own, and so no part of the JSON.
            "auth-token": "",
        ]
        texts["user-data"] = compute.userData
        if let address = compute.privateIpv4 {
            let interface = "interfaces/private/0"
            texts["\(interface)/mac"] = MACAddress(privateIpv4: address).description
            texts["\(interface)/ipv4/address"] = address.description
            texts["\(interface)/ipv4/netmask"] = compute.network.netmask.description
            texts["\(interface)/ipv4/gateway"] = compute.network.gateway.description
        }
        texts["interfaces/public/0/ipv4/address"] = compute.publicIpv4?.description
    }

    /// The text at the path, or what lies below it, one name a line and a folder's with a slash; `nil` for no path of
    /// ours.
    /// - Parameter path: below `/metadata/v1/`; slashes at its ends count for nothing.
    func text(at path: some StringProtocol) -> String? {
        let path = path.split(separator: "/").joined(separator: "/")
        if let text = texts[path] { return text }
        let folder = path.isEmpty ? "" : path + "/"
        let below = texts.keys.filter { $0.hasPrefix(folder) }.map { $0.dropFirst(folder.count) }
        guard !below.isEmpty else { return nil }
        let names = below.map { name in name.firstIndex(of: "/").map { name[...$0] } ?? name }
        return Set(names).sorted().joined(separator: "\n")
    }
}

extension IPv4Network {
    /// The prefix as older programs write it: 255.255.252.0.
    var netmask: IPv4Address { IPv4Address(UInt32(truncatingIfNeeded: ~(size - 1))) }
}
