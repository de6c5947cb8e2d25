import CloudControl
import CloudCore
import CloudMachines
import CloudServer
import CloudWorker
import Foundation

/// What `strettch serve` runs with: flags first, then the environment (`STRETTCH_…`), then the configuration file, then the
/// defaults. Each row of `SettingTable` is a property, by its name there.
@dynamicMemberLookup
struct ServeSettings: Sendable {
    private let given: SettingValues

    subscript<Value>(dynamicMember row: KeyPath<SettingTable, Setting<Value>>) -> Value {
        self[SettingTable.shared[keyPath: row]]
    }

    subscript<Value>(_ setting: Setting<Value>) -> Value {
        guard let value = given[setting.name] else { return setting.standard }
        return value as? Value ?? setting.standard
    }

    /// - Parameters:
    ///   - flags: what was given on the command line, by the settings' names.
    ///   - file: a YAML file with the settings' names as members.
    /// Throws `VALIDATION_ERROR` that names the setting, its value and the remedy.
    init(flags: [String: [String]] = [:], file: String?) throws {
        try self.init([
            SettingSources.flags(flags),
            SettingSources.environment(ProcessInfo.processInfo.environment),
            file.map(SettingSources.file) ?? [:],
        ])
    }

    /// - Parameter sources: each before those that it overrides.
    init(_ sources: [SettingValues]) throws {
        given = sources.reduce(into: [:]) { all, source in all.merge(source) { first, _ in first } }
        try checkTogether()
    }

    /// Throws when settings can't be used beside each other, each of which is right.
    private func checkTogether() throws {
        if (self.tlsCertificate == nil) != (self.tlsKey == nil) {
            let (given, missing) =
                self.tlsKey == nil ? ("tlsCertificate", "tlsKey") : ("tlsKey", "tlsCertificate")
            throw CloudError.invalid([
                Problem(missing, "is missing beside \(given). Give both, or neither for no TLS.")
            ])
        }
        if let link = self.hostLink, link.address.value == 0 {
            throw Self.invalid(
                "hostLink", link.description, "the one address by which others reach this host")
        }
        for address in self.nameservers ?? []
        where !Nameservers.reaches(address, privateRange: self.privateRange) {
            throw Self.invalid(
                "nameservers", address.description,
                "addresses that guests reach: not the host itself, nothing link-local, nothing in \(self.privateRange)"
            )
        }
    }

    /// What is wrong with a setting beside others, or beside what the server finds.
    static func invalid(_ name: String, _ value: String, _ wanted: String) -> CloudError {
        CloudError.invalid([
            Problem(name, "'\(value.shownWithoutSecret)' is not valid. Give \(wanted).")
        ])
    }
}

// What several settings come to together.
extension ServeSettings {
    /// Keys of one team that can use up their limits together, unless `teamRateLimit` says otherwise.
    static let keysOfTeam = 10

    /// What the verbs need to know.
    var cloud: CloudSettings {
        CloudSettings(
            privateRange: self.privateRange, teamPrefix: self.teamPrefix, publicPool: self.publicPool,
            publicRestMs: Int64(self.publicRest) * 60_000,
            sshPorts: self.network == .user ? self.sshPorts : nil, strictKeys: self.strictKeys,
            placement: self.placement,
            rateLimit: self.rateLimit,
            teamRateLimit: self.teamRateLimit == 0 ? Self.keysOfTeam * self.rateLimit : self.teamRateLimit,
            billing: billingSettings, maxImageBytes: Int64(self.maxImageGb) << 30, apiUrl: self.apiUrl)
    }

    var billingSettings: BillingSettings {
        BillingSettings(isOn: self.billing, pastDueDays: self.pastDueDays, suspendedDays: self.suspendedDays)
    }

    /// Certificate and key of the listener; `nil`: no TLS.
    var tls: TLSFiles? {
        guard let certificate = self.tlsCertificate, let key = self.tlsKey else { return nil }
        return TLSFiles(certificate: certificate, key: key)
    }

    /// How the listener is bound and bounded. Reads the certificate; throws `VALIDATION_ERROR` when it can't be used.
    func listener(connections: Int) throws -> CloudListener.Settings {
        CloudListener.Settings(
            listen: self.listen, limits: ListenerLimits(connections: connections),
            identity: try tls.map { try TLSIdentity(files: $0) },
            proxies: self.trustedProxies ?? TrustedProxies.none,
            crossOrigin: self.corsOrigins)
    }

    /// Where other servers of the cell reach this host; `nil`: nowhere, or there are none.
    var link: IPv4Endpoint? {
        guard self.database != nil, self.role.hasHost else { return nil }
        return self.hostLink
            ?? self.underlay.map { IPv4Endpoint(address: $0, port: NetworkSettings.defaultLinkPort) }
    }

    /// The settings of the host's network. Throws `VALIDATION_ERROR` with all that can't work together.
    func networkSettings() throws -> NetworkSettings {
        try NetworkSettings(
            privateRange: self.privateRange.description, teamPrefix: self.teamPrefix,
            publicPool: self.publicPool.map(\.description), metadata: self.metadataListen.description,
            underlay: self.underlay?.description, vxlanPort: self.vxlanPort, underlayMtu: self.underlayMtu,
            linkPort: self.hostLink?.port ?? NetworkSettings.defaultLinkPort,
            guestConnections: self.guestConnections)
    }
}
