import CloudMachines

extension Setting {
    /// Every setting of the server. A new one is a row here, a member of `ServeSettings`, a row in `docs/operate.md`, and a
    /// flag of `ServeCommand` where people give it by hand.
    static let all: [Setting] = [
        .text(
            "database",
            "Connection string of PostgreSQL; put a password in STRETTCH_DATABASE. Default: SQLite."),
        .whole(
            "databaseConnections", 0, in: 0...200,
            "Transactions at once with PostgreSQL. Default: by the role."),
        .text("role", standard: "all", "all, api (no host) or worker (no API). Default: all."),
        .text("hostName", "The host's name in the cell. Default: the machine's own."),
        .text("region", "The one region whose computes the host takes. Default: every region."),
        .text("labels", "Comma-separated words of your own for the host. Default: none."),
        .text("underlay", "This machine's address among the hosts, for private networks that span them."),
        .text("disks", "Folder that hosts share, for disks and images. Default: in the data folder."),
        .whole("vxlanPort", 4789, in: 1...65535, "UDP port of the frames between hosts. Default: 4789."),
        .whole(
            "underlayMtu", 1500, in: 1280...9216,
            "Bytes of the largest IP packet between hosts. Default: 1500."),
        .text(
            "placement", standard: "spread", "spread computes over the hosts, or pack them. Default: spread."),

        .text(
            "listen", standard: "127.0.0.1:8080",
            "ADDRESS:PORT, [IPV6]:PORT or unix:PATH. Default: 127.0.0.1:8080."),
        .text("tlsCertificate", "PEM file with the TLS certificate followed by its chain."),
        .text("tlsKey", "PEM file with the certificate's private key."),
        .whole(
            "maxConnections", 4096, in: 1...100_000,
            "Connections at once; the longest idle is closed for one more. Default: 4096."),
        .text(
            "trustedProxies",
            "Comma-separated CIDR blocks of proxies, or unix, whose X-Forwarded-For counts. Default: none."),
        .text(
            "corsOrigins",
            "Comma-separated origins whose pages may use the API in a browser, or *. Default: none."),
        .whole(
            "rateLimit", 2, in: 0...10_000,
            "Requests of one API key in a second; 0: any number. Default: 2."),
        .whole(
            "teamRateLimit", 0, in: 0...1_000_000,
            "Requests of all keys of a team in a second. Default: 0, ten times rateLimit."),
        .text("metrics", "ADDRESS:PORT or unix:PATH of /metrics, for this machine alone. Default: none."),
        .text("apiUrl", "The API's URL as guests reach it, with /api/v1. Default: by the metadata service."),

        .text("catalogue", "A catalogue of your own, in YAML."),
        .text("network", standard: "auto", "auto, bridged (needs root) or user. Default: auto."),
        .text(
            "privateRange", standard: "10.0.0.0/8",
            "Block that team networks are cut from. Default: 10.0.0.0/8."),
        .whole("teamPrefix", 22, in: 16...28, "Prefix length of a team's network. Default: 22."),
        .text(
            "publicPool", standard: "203.0.113.0/24",
            "Comma-separated CIDR blocks of public addresses. Default: 203.0.113.0/24."),
        .text(
            "sshPorts", standard: "22000-22999",
            "Ports that lead to guests' SSH in user mode. Default: 22000-22999."),
        .text(
            "metadataListen", standard: NetworkSettings.defaultMetadata,
            "ADDRESS:PORT of the metadata service, link-local. Default: \(NetworkSettings.defaultMetadata)."),
        .text(
            "nameservers",
            "Comma-separated IPv4 addresses that guests ask for names. Default: those that this host asks."),
        .whole(
            "guestConnections", NetworkSettings.defaultGuestConnections,
            in: NetworkSettings.guestConnectionLimits,
            "Connections of a guest at once, in each direction. Default: \(NetworkSettings.defaultGuestConnections)."
        ),
        .flag(
            "userModeInternet",
            "In user mode, let guests reach the internet, and with it all that this host's user reaches."),

        .flag("guestGroups", "A control group for each guest; the unit needs Delegate=yes. Default: none."),
        .flag("strictKeys", "Reject truncated public keys (default: warn)."),
        .whole("bootSlots", 0, in: 0...1000, "Guests that may boot at once; 0: one for each core."),
        .text("warm", "Size of the warm pool: comma-separated IMAGE/SPECIFICATION=COUNT. Default: none."),
        .whole(
            "stopGrace", 60, in: 1...3600,
            "Seconds that a guest has to shut down before its power is taken. Default: 60."),
        .whole(
            "orphanGrace", 600, in: 0...2_592_000,
            "Seconds until a machine without a compute is removed. Default: 600."),
        .number("vcpuOvercommit", 16, in: 0.1...1000, "vCPUs given out for each core. Default: 16."),
        .number("memoryOvercommit", 1, in: 0.1...100, "RAM given out for each byte there is. Default: 1."),
        .number(
            "storageOvercommit", 2, in: 0.1...1000, "Disk given out for each byte there is. Default: 2."),

        .flag("billing", "Computes cost what the catalogue says."),
        .whole(
            "pastDueDays", 7, in: 0...3650, "Days without money until a team is suspended. Default: 7."),
        .whole(
            "suspendedDays", 30, in: 0...3650,
            "Days until a suspended debtor's computes are deleted. Default: 30."),

        .text(
            "logLevel", standard: "info",
            "trace, debug, info, notice, warning, error or critical. Default: info."),
        .text("logFormat", standard: "text", "text, or json: one object a line. Default: text."),
        .flag("simulated", "Simulate machines instead of running them. For development."),
        .whole(
            "simulatedDelay", 0, in: 0...60_000,
            "Milliseconds that each call to a simulated machine takes. Default: 0."),
    ]
}
