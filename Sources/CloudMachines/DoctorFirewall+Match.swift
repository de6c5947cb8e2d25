import CloudCore

extension DoctorFirewall.Packet {
    /// Whether what the selector names is any of the values; `nil`: nobody knows.
    /// - Parameter elements: those of a set by its name.
    func matches(_ selector: String, _ values: [String], _ elements: (String) -> [String]?) -> Bool? {
        var isUnknown = false
        for value in values {
            var asked = [value]
            if value.hasPrefix("@") {
                guard let known = elements(String(value.dropFirst())) else { return nil }
                // An element may have a timeout or a counter behind it; one of several parts is not read.
                asked = known.map { $0.contains(" . ") ? "" : String($0.prefix { $0 != " " }) }
            }
            for value in asked {
                switch matches(selector, value) {
                case true?: return true
                case false?: continue
                case nil: isUnknown = true
                }
            }
        }
        return isUnknown ? nil : false
    }

    private func matches(_ selector: String, _ value: String) -> Bool? {
        switch selector {
        case "iifname", "iif", "meta iifname", "meta iif": Self.isInterface(from, value)
        case "oifname", "oif", "meta oifname", "meta oif": Self.isInterface(to, value)
        case "meta nfproto": value == "ipv4"
        case "meta l4proto", "ip protocol": value == transport || value == (transport == "tcp" ? "6" : "17")
        case "tcp dport", "udp dport": selector.hasPrefix(transport) ? Self.isPort(port, value) : false
        case "th dport": Self.isPort(port, value)
        case "tcp sport", "udp sport", "tcp flags", "udp length":
            selector.hasPrefix(transport) ? nil : false
        case "ip saddr": Self.isAddress(source, value)
        case "ip daddr": Self.isAddress(destination, value)
        case "ct state": value == state
        case "ct status": value == "dnat" ? isTranslated : value == "snat" ? false : nil
        case "ct direction": state == "new" ? value == "original" : nil
        default: nil
        }
    }

    private static func isInterface(_ name: String?, _ value: String) -> Bool? {
        guard let name else { return nil }
        let value = value.filter { $0 != "\"" }
        guard let beginning = value.hasSuffix("*") ? value.dropLast() : nil else {
            // Of many interfaces, a rule may be for one.
            guard name.hasSuffix("*") else { return name == value }
            return value.hasPrefix(name.dropLast()) ? nil : false
        }
        let known = name.hasSuffix("*") ? name.dropLast() : name[...]
        if known.hasPrefix(beginning) { return true }
        return name.hasSuffix("*") && beginning.hasPrefix(known) ? nil : false
    }

    private static func isPort(_ port: Int?, _ value: String) -> Bool? {
        let bounds = value.split(separator: "-").map { Int($0) }
        guard let port, let first = bounds.first ?? nil, let last = bounds.last ?? nil else { return nil }
        return first <= port && port <= last
    }

    private static func isAddress(_ known: IPv4Network?, _ value: String) -> Bool? {
        guard let known, let network = IPv4Network(value) ?? IPv4Network("\(value)/32") else { return nil }
        return network.contains(known) ? true : network.overlaps(known) ? nil : false
    }
}
