import CloudCore
import CloudMachines
import CloudServer
import Logging

/// Every setting of the server. A new one is a row here, and `settings.name` where it is used: its flag, its variable, the help,
/// `serve.json` and the table in `docs/operate.md` follow (`docs/adding-a-setting.md`).
struct SettingTable: Sendable {
    // The cell and its hosts.
    let database = Setting(
        "database", .text("a connection string, such as postgresql://USER@HOST/NAME"),
        absent: "SQLite in the data folder",
        "Connection string of PostgreSQL; put a password in STRETTCH_DATABASE.", link: "postgres.md",
        isSecret: true)
    let databaseConnections = Setting(
        "databaseConnections", .whole(0...200), 0,
        "Transactions at once with PostgreSQL; 0: 8, and 2 for the role worker.")
    let role = Setting(
        "role", .choice, ServeRole.all,
        "What this server does: api has no host, worker no API; both share a PostgreSQL with others.",
        link: "#hosts")
    let hostName = Setting(
        "hostName", .text("a host name"), absent: "the machine's own",
        "The host's name, unique in the cell.")
    let region = Setting(
        "region", .text("a region of the catalogue"), absent: "every region",
        "The one region whose computes the host takes.")
    let labels = Setting(
        "labels", .list("at most 32 comma-separated words of 1 to 63 characters", .label, most: 32),
        "Words of your own for the host.")
    let underlay = Setting(
        "underlay", .address, "This machine's address among the hosts, for private networks that span them.",
        link: "network.md#many-hosts")
    let disks = Setting(
        "disks", .path, absent: "in the data folder", "Folder that hosts share, for disks and images.",
        link: "#a-host-that-is-lost")
    let vxlanPort = Setting("vxlanPort", .whole(1...65535), 4789, "UDP port of the frames between hosts.")
    let underlayMtu = Setting(
        "underlayMtu", .whole(1280...9216), 1500, "Bytes of the largest IP packet between hosts.")
    let hostLink = Setting(
        "hostLink", .endpoint, absent: "port \(NetworkSettings.defaultLinkPort) of underlay",
        "Where other servers of the cell reach this host.", link: "#the-link-of-a-host")
    let placement = Setting(
        "placement", .choice, Placement.Policy.spread,
        "Spread computes over the hosts, or pack them: fill one host after the other.")

    // The API.
    let listen = Setting("listen", .listen, .tcp(host: "127.0.0.1", port: 8080), "Where the API listens.")
    let tlsCertificate = Setting(
        "tlsCertificate", .path, "PEM file with the TLS certificate followed by its chain.", link: "#tls")
    let tlsKey = Setting("tlsKey", .path, "PEM file with the certificate's private key.", link: "#tls")
    let maxConnections = Setting(
        "maxConnections", .whole(1...100_000), 4096,
        "Connections at once; the longest idle is closed for one more.", link: "limits.md")
    let trustedProxies = Setting(
        "trustedProxies", .proxies, "Proxies whose X-Forwarded-For counts.", link: "limits.md#behind-a-proxy")
    let corsOrigins = Setting(
        "corsOrigins", .origins, "Origins whose pages may use the API in a browser.",
        link: "#pages-of-other-origins")
    let rateLimit = Setting(
        "rateLimit", .whole(0...10_000), 2, "Requests of one API key in a second; 0: any number.")
    let teamRateLimit = Setting(
        "teamRateLimit", .whole(0...1_000_000), 0,
        "Requests of all keys of a team in a second; 0: ten times rateLimit.", link: "teams.md#limits")
    let metrics = Setting("metrics", .localListen, "Where /metrics is.", link: "#metrics")
    let apiUrl = Setting(
        "apiUrl", .url, absent: "by the metadata service", "The API as guests reach it, for their tokens.",
        link: "metadata.md#tokens")
    let strictKeys = Setting(
        "strictKeys", .flag, false, "Refuse public keys that no SSH server accepts, instead of warning.")
    let catalogue = Setting(
        "catalogue", .path, absent: "built in",
        "A catalogue of your own, in YAML; see strettch admin image list.")

    let maxImageGb = Setting(
        "maxImageGb", .whole(1...1024), 32, "GiB of the largest file that a team makes an image of.",
        link: "images.md#limits")
    let imageUrlAllow = Setting(
        "imageUrlAllow", .list("comma-separated blocks of addresses, such as 192.0.2.0/24", .block),
        "Blocks of addresses from which images may be fetched by URL although they are not public.",
        link: "images.md#limits")

    // The host's network.
    let network = Setting(
        "network", .network, .ofThisUser, text: "auto",
        "How guests are reached: bridged needs root; auto is bridged as root, else user.",
        link: "network.md")
    let privateRange = Setting(
        "privateRange", .block, IPv4Network(around: IPv4Address(10 << 24), prefix: 8),
        "Block that team networks are cut from.")
    let teamPrefix = Setting(
        "teamPrefix", .whole(16...28), NetworkSettings.defaultTeamPrefix,
        "Prefix length of a team's network; 22 is up to 1,018 computes.")
    let publicPool = Setting(
        "publicPool", .list("comma-separated blocks of addresses, such as 203.0.113.0/24", .block),
        NetworkSettings.defaultPublicPool.compactMap { IPv4Network($0) },
        "Public addresses of computes. Those of the default are reachable from this host alone.")
    let publicRest = Setting(
        "publicRest", .whole(0...1440), 60,
        "Minutes that a public address rests after it was given back, while the pool has others.")
    let sshPorts = Setting(
        "sshPorts", .ports, 22000...22999, "Ports that lead to guests' SSH in user mode.")
    let metadataListen = Setting(
        "metadataListen", .endpoint, IPv4Endpoint(NetworkSettings.defaultMetadata) ?? .wellKnownMetadata,
        "Where the metadata service listens: a link-local address.",
        link: "network.md#the-way-to-the-metadata-service")
    let nameservers = Setting(
        "nameservers", .nameservers, absent: "those that this host asks",
        "Name servers that guests ask; they must reach them.", link: "network.md#name-servers")
    let guestConnections = Setting(
        "guestConnections", .whole(NetworkSettings.guestConnectionLimits),
        NetworkSettings.defaultGuestConnections, "Connections of a guest at once, in each direction.",
        link: "network.md#limits")
    let userModeInternet = Setting(
        "userModeInternet", .flag, false,
        "In user mode, let guests reach the internet, and with it all that this host's user reaches.",
        link: "network.md#user-mode")

    // Guests.
    let guestGroups = Setting(
        "guestGroups", .flag, false, "A control group for each guest; the unit needs Delegate=yes.",
        link: "#control-groups")
    let bootSlots = Setting(
        "bootSlots", .whole(0...1000), 0, "Guests that may boot at once; 0: one for each core.")
    let warm = Setting(
        "warm", .text("comma-separated IMAGE/SPECIFICATION=COUNT, such as TINY-1/S-1C=2"),
        "The warm pool: guests that are kept booted ahead.", link: "#guests-booted-ahead")
    let stopGrace = Setting(
        "stopGrace", .whole(1...3600), 60,
        "Seconds that a guest has to shut down before its power is taken.", link: "#power")
    let orphanGrace = Setting(
        "orphanGrace", .whole(0...2_592_000), 600, "Seconds until a machine without a compute is removed.",
        link: "#drift")
    let vcpuOvercommit = Setting("vcpuOvercommit", .number(0.1...1000), 16, "vCPUs given out for each core.")
    let memoryOvercommit = Setting(
        "memoryOvercommit", .number(0.1...100), 1, "RAM given out for each byte there is.")
    let storageOvercommit = Setting(
        "storageOvercommit", .number(0.1...1000), 2,
        "Disk given out for each byte there is without the reserve: disks take what guests have written.",
        link: "#the-reserve-of-the-disk")

    // Money.
    let billing = Setting(
        "billing", .flag, false, "Computes cost what the catalogue says.", link: "billing.md")
    let pastDueDays = Setting(
        "pastDueDays", .whole(0...3650), 7, "Days without money until a team is suspended.")
    let suspendedDays = Setting(
        "suspendedDays", .whole(0...3650), 30, "Days until a suspended debtor's computes are deleted.")

    // The program.
    let logLevel = Setting("logLevel", .choice, Logger.Level.info, "The least that is logged.")
    let logFormat = Setting(
        "logFormat", .choice, LogFormat.text, "How the log is written; json is one object a line.")
    let simulated = Setting(
        "simulated", .flag, false, "Simulate machines instead of running them. For development.")
    let simulatedDelay = Setting(
        "simulatedDelay", .whole(0...60_000), 0, "Milliseconds that each call to a simulated machine takes.")
}

extension SettingTable {
    static let shared = SettingTable()
    /// The rows in the order above.
    static let all = Mirror(reflecting: shared).children.compactMap { $0.value as? any AnySetting }
    static let byName = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }
}
