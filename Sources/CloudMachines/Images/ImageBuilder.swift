import CloudCore
import Logging
import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// Runs a recipe's script: by argument vector, in a session of its own, with a bound on its time.
struct ImageBuilder: Sendable {
    var recipe: ImageRecipe
    var logger: Logger

    private static let keptLines = 12
    private static let toldLines = 3
    private static let progressMark = "PROGRESS "

    /// Leaves the image's files in `output`, and needs `work`, an empty folder. Throws what is missing on this machine
    /// or the script's last words.
    func build(work: String, output: String, progress: @escaping @Sendable (ImageProgress) -> Void)
        async throws
    {
        try checkHost()
        let scripts = "\(work)/scripts"
        let scratch = "\(work)/scratch"
        for folder in [scripts, scratch, output] { try HostFiles.makeFolder(folder) }
        for (name, bytes) in recipe.files { try HostFiles.write(bytes, to: "\(scripts)/\(name)") }
        let lastLines = try await withTimeout(
            .seconds(recipe.timeoutSeconds),
            late: failure(["it did not end within \(recipe.timeoutSeconds) s"])
        ) {
            try await run("\(scripts)/\(recipe.script)", in: scratch, output: output, progress: progress)
        }
        if let lastLines { throw failure(lastLines) }
    }

    /// Throws, with the command that mends it, when this machine lacks something that the recipe needs.
    func checkHost() throws(CloudError) {
        let missing = recipe.tools.filter { HostFiles.program($0.program) == nil }
        if !missing.isEmpty {
            let packages = Set(missing.map(\.package)).sorted().joined(separator: " ")
            throw CloudError(
                .serviceUnavailable,
                """
                This machine lacks \(missing.map(\.program).joined(separator: ", ")), which recipe \
                \(recipe.rawValue) needs. Run: apt-get install --no-install-recommends \(packages)
                """)
        }
        if recipe.needsRoot, !HostFiles.isRoot {
            throw CloudError(
                .serviceUnavailable,
                "Recipe \(recipe.rawValue) needs root. Build the image by: "
                    + "sudo strettch admin image build SLUG --data FOLDER"
            )
        }
    }

    /// `nil` on success, else the script's last lines.
    private func run(
        _ script: String, in folder: String, output: String,
        progress: @escaping @Sendable (ImageProgress) -> Void
    ) async throws -> [String]? {
        let own = ["LC_ALL": "C", "PATH": HostFiles.searchPath]
        let environment = ChildEnvironment.current(forDownloads: true).merging(own) { $1 }
        var options = PlatformOptions()
        // A session of its own, so that what the script started ends with it.
        options.createSession = true
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(5))
        ]
        let result = try await Subprocess.run(
            .name("bash"), arguments: [script, output],
            environment: .only(environment),
            workingDirectory: FilePath(folder), platformOptions: options, input: .none, output: .sequence,
            error: .combinedWithOutput
        ) { execution in
            var kept: [String] = []
            for try await line in execution.standardOutput.strings() {
                if let step = ImageProgress(scriptLine: line, mark: Self.progressMark) {
                    progress(step)
                } else {
                    logger.debug(
                        "image recipe", metadata: ["recipe": "\(recipe.rawValue)", "line": "\(line)"])
                    kept = (kept + [line]).suffix(Self.keptLines)
                }
            }
            return kept
        }
        return result.terminationStatus.isSuccess ? nil : result.closureResult
    }

    private func failure(_ lastLines: [String]) -> CloudError {
        CloudError(
            .serviceUnavailable,
            """
            Recipe \(recipe.rawValue) failed: \(lastLines.suffix(Self.toldLines).joined(separator: " / ")). \
            Mend that and try again.
            """,
            detail: lastLines.joined(separator: "\n"))
    }
}
