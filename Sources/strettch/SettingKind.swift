import CloudCore
import CloudMachines
import CloudServer
import Foundation

/// What the text of a setting must be, and what it stands for.
struct SettingKind<Value: Sendable>: Sendable {
    /// What to give, with its range or an example, for messages and the documentation.
    let wanted: String
    /// The value as it is given.
    let text: @Sendable (Value) -> String
    /// `nil` when the text is not of this kind.
    let read: @Sendable (String) -> Value?

    init(
        _ wanted: String, text: @escaping @Sendable (Value) -> String = { "\($0)" },
        _ read: @escaping @Sendable (String) -> Value?
    ) {
        (self.wanted, self.text, self.read) = (wanted, text, read)
    }

    /// Several values with commas between them, none of them empty; at least one.
    static func list<Element>(
        _ wanted: String, _ element: SettingKind<Element>, most: Int = .max
    ) -> Self where Value == [Element] {
        SettingKind(wanted, text: { $0.map(element.text).joined(separator: ",") }) { text in
            let parts = text.split(separator: ",", omittingEmptySubsequences: false)
            let values = parts.compactMap { element.read($0.trimmingCharacters(in: .whitespaces)) }
            return values.count == parts.count && values.count <= most ? values : nil
        }
    }
}

extension SettingKind where Value: CaseIterable & RawRepresentable<String> {
    static var choice: Self {
        let names = Value.allCases.map(\.rawValue)
        let wanted = names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
        return SettingKind(wanted, text: \.rawValue) { Value(rawValue: $0) }
    }
}

extension SettingKind<Bool> {
    static let flag = SettingKind("true or false") { text in
        switch text.lowercased() {
        case "true", "yes", "on", "1": true
        case "false", "no", "off", "0": false
        default: nil
        }
    }
}

extension SettingKind<Int> {
    /// Decimal digits alone: YAML takes a leading zero for octal, and nobody should have to know.
    static func whole(_ range: ClosedRange<Int>) -> Self {
        SettingKind("a whole number of \(range.lowerBound) to \(range.upperBound)") { text in
            guard text.wholeMatch(of: /-?(0|[1-9][0-9]*)/) != nil else { return nil }
            return Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension SettingKind<Double> {
    static func number(_ range: ClosedRange<Double>) -> Self {
        SettingKind("a number of \(range.lowerBound) to \(range.upperBound)") { text in
            Double(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension SettingKind<String> {
    static func text(_ wanted: String) -> Self { SettingKind(wanted) { $0 } }

    /// A word among others.
    static let label = SettingKind("1 to 63 characters") { (1...63).contains($0.count) ? $0 : nil }

    /// Absolute from then on, since it may be read by a program in another folder.
    static let path = SettingKind("a path") { URL(filePath: $0).path }

    static let url = SettingKind("a URL with its base path, such as https://cloud.example/api/v1") {
        $0.wholeMatch(of: /https?:\/\/[!-~]+/) == nil ? nil : $0
    }
}

extension SettingKind<CloudServer.Listen> {
    static let listen = SettingKind(
        "ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080, unix:PATH, 0.0.0.0:8080 for every IPv4 address or "
            + "[::]:8080 for every address"
    ) { CloudServer.Listen($0)?.absolute }

    static let localListen = SettingKind(
        "an address of this machine alone, such as 127.0.0.1:9464 or unix:PATH, since the figures tell of all teams and "
            + "nobody is asked for a key"
    ) { CloudServer.Listen($0).flatMap { $0.isLocal ? $0.absolute : nil } }
}

extension CloudServer.Listen {
    /// With its path absolute from then on, since clients in other folders are told of it.
    fileprivate var absolute: Self {
        guard case .unix(let path) = self, let absolute = SettingKind<String>.path.read(path) else {
            return self
        }
        return .unix(path: absolute)
    }
}

extension SettingKind<TrustedProxies> {
    static let proxies = SettingKind(
        "comma-separated addresses and CIDR blocks without bits beyond the prefix, such as 10.0.0.0/8,fd00::/8, and unix "
            + "for a unix socket"
    ) { TrustedProxies($0) }
}

extension SettingKind<CrossOrigin> {
    static let origins = SettingKind(
        "comma-separated origins as browsers send them, such as https://console.example, or * for every origin"
    ) { CrossOrigin($0) }
}

extension SettingKind<NetworkMode> {
    /// `auto` is what this user can have.
    static let network = SettingKind("auto, bridged or user", text: \.rawValue) {
        $0 == "auto" ? .ofThisUser : NetworkMode(rawValue: $0)
    }
}

extension NetworkMode {
    static var ofThisUser: NetworkMode { geteuid() == 0 ? .bridged : .user }
}

extension SettingKind<IPv4Network> {
    static let block = SettingKind("a block of addresses, such as 203.0.113.0/24") { IPv4Network($0) }
}

extension SettingKind<IPv4Address> {
    static let address = SettingKind("an IPv4 address, such as 192.0.2.10") { IPv4Address($0) }
}

extension SettingKind<[IPv4Address]> {
    /// Each once.
    static let nameservers = SettingKind(
        "at most \(Nameservers.limit) comma-separated IPv4 addresses, which are all that guests have, such as 192.0.2.53",
        text: { $0.map(\.description).joined(separator: ",") }
    ) { text in
        var addresses: [IPv4Address] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let address = IPv4Address(part.trimmingCharacters(in: .whitespaces)) else { return nil }
            if !addresses.contains(address) { addresses.append(address) }
        }
        return addresses.count <= Nameservers.limit ? addresses : nil
    }
}

extension SettingKind<IPv4Endpoint> {
    static let endpoint = SettingKind("ADDRESS:PORT, such as \(NetworkSettings.defaultMetadata)") {
        IPv4Endpoint($0)
    }
}

extension SettingKind<ClosedRange<Int>> {
    static let ports = SettingKind(
        "FIRST-LAST within 1024-65535, such as 22000-22999", text: { "\($0.lowerBound)-\($0.upperBound)" }
    ) { text in
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { SettingKind<Int>.whole(1024...65535).read(String($0)) }
        guard parts.count == 2, numbers.count == 2, numbers[0] <= numbers[1] else { return nil }
        return numbers[0]...numbers[1]
    }
}
