/// What a target may import: what its layer allows, and what Package.swift names for it.
struct ImportRules {
    /// The targets of ours that each target may know (ARCHITECTURE.md, "Layers").
    static let layers: [String: Set<String>] = [
        "CloudCore": ["CZlib"],
        "CloudWire": [],
        "CloudMetrics": [],
        "QMP": [],
        "CloudDatabase": ["CloudCore", "CPostgres"],
        "CloudVerbs": ["CloudCore", "CloudDatabase"],
        "CloudControl": ["CloudCore", "CloudDatabase", "CloudVerbs"],
        "CloudServer": ["CloudControl", "CloudCore", "CloudMetrics", "CloudWire"],
        "CloudMachines": ["CloudCore", "QMP"],
        "CloudAudit": ["CloudCore", "CloudDatabase", "CloudMachines"],
        "CloudWorker": ["CloudCore", "CloudDatabase", "CloudMachines", "CloudMetrics", "CloudVerbs"],
        "CloudLink": ["CloudCore", "CloudDatabase", "CloudMetrics"],
        "CloudClient": ["CloudWire"],
        "strettch": [
            "CloudAudit", "CloudClient", "CloudControl", "CloudCore", "CloudDatabase", "CloudLink",
            "CloudMachines", "CloudMetrics", "CloudServer", "CloudWire", "CloudWorker",
        ],
        // Drives all of the product on one thread.
        "CloudSimulation": [
            "CloudAudit", "CloudControl", "CloudCore", "CloudDatabase", "CloudMachines", "CloudServer",
            "CloudVerbs", "CloudWire", "CloudWorker",
        ],
        "strettch-sim": ["CloudSimulation"],
        // Measures from outside, as a client does, and beside it what is underneath.
        "strettch-bench": [
            "CloudClient", "CloudControl", "CloudCore", "CloudDatabase", "CloudMachines", "CloudWire",
        ],
    ]

    /// Modules of the toolchain, which nothing has to name.
    static let toolchain: Set = [
        "Dispatch", "Darwin", "Foundation", "FoundationEssentials", "FoundationNetworking", "Glibc", "Musl",
        "Synchronization", "System", "Testing",
    ]

    /// Modules that come with a product of another name.
    static let companions: [String: Set<String>] = [
        "AsyncHTTPClient": ["NIOHTTP1", "NIOSSL"],
        "Hummingbird": ["HummingbirdCore"],
        "HummingbirdTesting": ["HummingbirdCore"],
        "NIOCore": ["NIOConcurrencyHelpers", "NIOFoundationCompat", "NIOFoundationEssentialsCompat"],
        "ServiceLifecycle": ["UnixSignals"],
        "Subprocess": ["SystemPackage"],
    ]

    /// What Package.swift names for each target.
    var manifest: PackageManifest

    /// Imports that Package.swift does not name: they work only for as long as another package happens to bring them.
    func unnamed(_ file: SourceFile) -> [Violation] {
        imports(file).compactMap { module, line in
            guard let target = file.target, let named = manifest.dependencies[target] else { return nil }
            let companions = named.flatMap { Self.companions[$0] ?? [] }
            let allowed = named.union(companions).union(Self.toolchain)
            return allowed.contains(module)
                ? nil
                : Violation(
                    path: file.path, line: line, message: "Package.swift names no \(module) for \(target)")
        }
    }

    /// Imports of ours that go upwards or sideways.
    func upward(_ file: SourceFile) -> [Violation] {
        guard file.isIn(["Sources"]), let target = file.target else { return [] }
        guard let below = Self.layers[target] else {
            return [
                Violation(
                    path: file.path, line: 0, message: "\(target) has no layer: give it one in ImportRules")
            ]
        }
        return imports(file).compactMap { module, line in
            let isOurs = Self.layers[module] != nil || module == "CloudTesting"
            return !isOurs || below.contains(module)
                ? nil : Violation(path: file.path, line: line, message: "\(target) must not know \(module)")
        }
    }

    /// Dependencies in Package.swift itself that the layers don't allow.
    func upwardInManifest() -> [Violation] {
        manifest.dependencies.sorted { $0.key < $1.key }.flatMap { target, named -> [Violation] in
            guard let below = Self.layers[target] else { return [] }
            return named.filter { Self.layers[$0] != nil && !below.contains($0) }.sorted().map {
                Violation(path: "Package.swift", line: 0, message: "\(target) must not know \($0)")
            }
        }
    }

    private func imports(_ file: SourceFile) -> [(module: String, line: Int)] {
        guard let code = file.code else { return [] }
        let kinds: Set = ["struct", "class", "enum", "func", "protocol", "typealias", "let", "var"]
        return code.lines(with: "import ").compactMap { number in
            let words = code.line(number).split(separator: " ")
            guard let index = words.firstIndex(of: "import") else { return nil }
            let rest = words[(index + 1)...].drop { kinds.contains(String($0)) }
            return rest.first.map { (String($0.prefix { $0.isLetter || $0.isNumber || $0 == "_" }), number) }
        }
    }
}

/// The targets of Package.swift and what each depends on, read from its text.
struct PackageManifest {
    /// Target to the names of targets and products; the product's name is its module's.
    var dependencies: [String: Set<String>] = [:]

    init(_ text: String) {
        var products: [String: String] = [:]
        for match in text.matches(of: /static let (\w+) = product\(name: "(\w+)"/) {
            products[String(match.1)] = String(match.2)
        }
        let targets = text.split(separator: /\.(?:target|testTarget|executableTarget|systemLibrary)\(/)
            .dropFirst()
        for target in targets {
            guard let name = target.firstMatch(of: /^\s*name: "([\w-]+)"/)?.1 else { continue }
            let list = target.firstMatch(of: /dependencies: \[([^\]]*)\]/)?.1 ?? ""
            let ours = list.matches(of: /"([\w-]+)"/).map { String($0.1) }
            let theirs = list.matches(of: /\.(\w+)/).compactMap { products[String($0.1)] }
            dependencies[String(name)] = Set(ours + theirs)
        }
    }
}

/// Every folder of Sources must be explained.
enum ArchitectureRules {
    static func unexplained(_ tree: SourceTree) -> [Violation] {
        guard let architecture = tree.file("ARCHITECTURE.md") else { return [] }
        let folders = Set(tree.files.filter { $0.isIn(["Sources"]) }.compactMap(\.target))
        return folders.sorted().filter { !architecture.text.contains($0) }.map {
            Violation(path: "ARCHITECTURE.md", line: 0, message: "Sources/\($0) is not explained")
        }
    }
}
