import CloudCore
import CloudMachines
import Foundation

extension ServeSettings {
    /// The settings of the host's network. Throws `VALIDATION_ERROR` with all that can't work together.
    func networkSettings() throws -> NetworkSettings {
        try NetworkSettings(
            privateRange: privateRange.description, teamPrefix: teamPrefix,
            publicPool: publicPool.map(\.description), metadata: metadataListen.description,
            underlay: host.underlay, vxlanPort: host.vxlanPort, underlayMtu: host.underlayMtu,
            guestConnections: guestConnections)
    }

    /// Comma-separated addresses that guests reach, each once.
    static func nameservers(_ text: String, _ privateRange: IPv4Network) throws -> [IPv4Address] {
        guard !text.isEmpty else { return [] }
        var addresses: [IPv4Address] = []
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            let item = item.trimmingCharacters(in: .whitespaces)
            guard let address = IPv4Address(item) else {
                throw SettingReader.invalid(
                    "nameservers", item, "IPv4 addresses, which are all that guests have, such as 192.0.2.53")
            }
            guard Nameservers.reaches(address, privateRange: privateRange) else {
                throw SettingReader.invalid(
                    "nameservers", item,
                    "addresses that guests reach: not the host itself, nothing link-local, nothing in \(privateRange)"
                )
            }
            if !addresses.contains(address) { addresses.append(address) }
        }
        guard addresses.count <= Nameservers.limit else {
            throw SettingReader.invalid(
                "nameservers", text, "at most \(Nameservers.limit) addresses; resolvers ask no more")
        }
        return addresses
    }
}
