// swift-tools-version:6.2
import PackageDescription

/// Swift 6 language mode and the stricter rules on top of it, for every target of ours. In CI a warning is an error.
let strict: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

extension Target.Dependency {
    static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
    static let asyncHTTPClient = product(name: "AsyncHTTPClient", package: "async-http-client")
    static let crypto = product(name: "Crypto", package: "swift-crypto")
    static let grdb = product(name: "GRDB", package: "GRDB.swift")
    static let sqlite = product(name: "GRDBSQLite", package: "GRDB.swift")
    static let httpTypes = product(name: "HTTPTypes", package: "swift-http-types")
    static let hummingbird = product(name: "Hummingbird", package: "hummingbird")
    static let hummingbirdHTTP2 = product(name: "HummingbirdHTTP2", package: "hummingbird")
    static let hummingbirdTesting = product(name: "HummingbirdTesting", package: "hummingbird")
    static let logging = product(name: "Logging", package: "swift-log")
    static let nioCore = product(name: "NIOCore", package: "swift-nio")
    static let nioEmbedded = product(name: "NIOEmbedded", package: "swift-nio")
    static let nioExtras = product(name: "NIOExtras", package: "swift-nio-extras")
    static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
    static let nioHTTPTypes = product(name: "NIOHTTPTypes", package: "swift-nio-extras")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let nioSSL = product(name: "NIOSSL", package: "swift-nio-ssl")
    static let nioTLS = product(name: "NIOTLS", package: "swift-nio")
    static let serviceLifecycle = product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let subprocess = product(name: "Subprocess", package: "swift-subprocess")
    static let yams = product(name: "Yams", package: "Yams")
}

let package = Package(
    name: "strettch",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "strettch", targets: ["strettch"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess.git", from: "1.0.2"),
    ],
    targets: [
        // The layers, lowest first. ARCHITECTURE.md says what each is and what it must not know.
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CloudCore", dependencies: ["CZlib", .crypto], swiftSettings: strict),
        .target(name: "CloudWire", swiftSettings: strict),
        .target(name: "CloudMetrics", swiftSettings: strict),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(
            name: "CloudDatabase",
            dependencies: ["CPostgres", "CloudCore", .crypto, .grdb, .logging, .sqlite],
            swiftSettings: strict),
        .target(name: "CloudVerbs", dependencies: ["CloudCore", "CloudDatabase"], swiftSettings: strict),
        .target(
            name: "CloudControl",
            dependencies: ["CloudCore", "CloudDatabase", "CloudVerbs", .crypto, .logging],
            swiftSettings: strict),
        .target(
            name: "CloudServer",
            dependencies: [
                "CloudControl", "CloudCore", "CloudMetrics", "CloudWire", .httpTypes, .hummingbird,
                .hummingbirdHTTP2, .logging, .nioCore, .nioHTTP1, .nioHTTPTypes, .nioPosix, .nioSSL, .nioTLS,
                .serviceLifecycle,
            ],
            resources: [.embedInCode("Resources/openapi.json")],
            swiftSettings: strict),
        .target(name: "QMP", dependencies: [.nioCore, .nioExtras, .nioPosix], swiftSettings: strict),
        .target(
            name: "CloudMachines",
            dependencies: [
                "CloudCore", "QMP", .asyncHTTPClient, .crypto, .logging, .nioCore, .nioHTTP1, .nioPosix,
                .subprocess,
                .yams,
            ],
            resources: [.embedInCode("Resources/catalogue.yaml"), .embedInCode("Resources/images")],
            swiftSettings: strict),
        .target(
            name: "CloudAudit",
            dependencies: ["CloudCore", "CloudDatabase", "CloudMachines"],
            swiftSettings: strict),
        .target(
            name: "CloudWorker",
            dependencies: [
                "CloudCore", "CloudDatabase", "CloudMachines", "CloudMetrics", "CloudVerbs", .logging,
                .serviceLifecycle,
            ],
            swiftSettings: strict),
        .target(
            name: "CloudLink",
            dependencies: [
                "CloudCore", "CloudDatabase", "CloudMetrics", .crypto, .logging, .nioCore, .nioHTTP1,
                .nioPosix,
                .nioSSL, .nioTLS, .serviceLifecycle,
            ],
            swiftSettings: strict),
        .target(
            name: "CloudClient",
            dependencies: ["CloudWire", .asyncHTTPClient, .nioCore, .nioHTTP1, .nioPosix, .nioSSL],
            swiftSettings: strict),
        .executableTarget(
            name: "strettch",
            dependencies: [
                "CloudAudit", "CloudClient", "CloudControl", "CloudCore", "CloudDatabase", "CloudLink",
                "CloudMachines", "CloudMetrics", "CloudServer", "CloudWire", "CloudWorker", .argumentParser,
                .crypto, .logging, .serviceLifecycle, .unixSignals, .yams,
            ],
            swiftSettings: strict),

        // Measurements, started by scripts/bench; not installed.
        .executableTarget(
            name: "strettch-bench",
            dependencies: [
                "CloudClient", "CloudControl", "CloudCore", "CloudDatabase", "CloudMachines", "CloudWire",
                .argumentParser, .grdb, .hummingbird, .nioCore, .nioPosix, .subprocess,
            ],
            swiftSettings: strict),

        // Deterministic simulation: the whole cloud on one thread, on simulated time, in an order that a seed decides.
        .target(
            name: "CloudSimulation",
            dependencies: [
                "CloudAudit", "CloudControl", "CloudCore", "CloudDatabase", "CloudMachines", "CloudServer",
                "CloudVerbs", "CloudWire", "CloudWorker", .grdb, .httpTypes, .hummingbird, .logging, .nioCore,
                .nioEmbedded,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "strettch-sim", dependencies: ["CloudSimulation", .argumentParser],
            swiftSettings: strict),

        // Tests.
        .target(
            name: "CloudTesting",
            dependencies: [
                "CloudControl", "CloudCore", "CloudDatabase", "CloudMachines", "CloudServer", "CloudVerbs",
                "CloudWire", "CloudWorker", .httpTypes, .hummingbird, .hummingbirdTesting, .logging, .nioCore,
                .serviceLifecycle, .subprocess,
            ],
            path: "Tests/CloudTesting",
            swiftSettings: strict),
        .testTarget(name: "CloudCoreTests", dependencies: ["CloudCore"], swiftSettings: strict),
        .testTarget(
            name: "CloudClientTests",
            dependencies: [
                "CloudClient", "CloudTesting", "CloudWire", .hummingbird, .httpTypes, .logging, .nioCore,
                .serviceLifecycle,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "CloudDatabaseTests",
            dependencies: ["CloudCore", "CloudDatabase", "CloudTesting", .grdb],
            swiftSettings: strict),
        .testTarget(
            name: "CloudServerTests",
            dependencies: [
                "CloudClient", "CloudControl", "CloudCore", "CloudDatabase", "CloudMachines", "CloudMetrics",
                "CloudServer", "CloudTesting", "CloudWire", "CloudWorker", .asyncHTTPClient, .httpTypes,
                .hummingbird, .logging,
                .crypto, .nioCore, .nioEmbedded, .nioHTTPTypes, .nioPosix, .serviceLifecycle,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "CloudLinkTests",
            dependencies: [
                "CloudCore", "CloudDatabase", "CloudLink", "CloudMachines", "CloudMetrics", "CloudTesting",
                .crypto, .logging, .nioCore, .nioHTTP1, .nioPosix, .nioSSL, .serviceLifecycle,
            ],
            swiftSettings: strict),
        .testTarget(name: "QMPTests", dependencies: ["QMP", .nioCore, .nioPosix], swiftSettings: strict),
        .testTarget(
            name: "CloudMachinesTests",
            dependencies: [
                "CloudCore", "CloudMachines", "CloudTesting", "QMP", .crypto, .httpTypes, .hummingbird,
                .logging,
                .nioCore, .nioPosix, .serviceLifecycle,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "CloudAuditTests",
            dependencies: [
                "CloudAudit", "CloudControl", "CloudCore", "CloudDatabase", "CloudMachines", "CloudTesting",
                .grdb,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "CloudWorkerTests",
            dependencies: [
                "CloudAudit", "CloudControl", "CloudCore", "CloudDatabase", "CloudMachines", "CloudMetrics",
                "CloudTesting", "CloudVerbs", "CloudWorker", .httpTypes, .logging, .serviceLifecycle,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "strettch-sim", "CloudAudit", "CloudCore", "CloudDatabase", "CloudMachines",
                "CloudSimulation", "CloudTesting", "CloudWire",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ProgramTests",
            dependencies: [
                "strettch", "CloudAudit", "CloudClient", "CloudControl", "CloudCore", "CloudDatabase",
                "CloudMachines", "CloudMetrics", "CloudServer", "CloudTesting", "CloudWire", "CloudWorker",
                .argumentParser, .grdb, .logging, .subprocess,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "CrashTests",
            dependencies: [
                "CloudAudit", "CloudControl", "CloudCore", "CloudDatabase", "CloudLink", "CloudMachines",
                "CloudTesting", "CloudVerbs", "CloudWorker", .logging,
            ],
            swiftSettings: strict),
        .testTarget(name: "TidyTests", swiftSettings: strict),
    ]
)
