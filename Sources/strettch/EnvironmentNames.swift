import CloudCore
import Foundation

/// The program's own variables. Whoever misspells one must hear of it: ignored, it would leave a server without TLS.
enum EnvironmentNames {
    static let prefix = "STRETTCH_"

    /// Of the commands of the API (`docs/cli.md`). Empty, they count as not set.
    static let client = ["STRETTCH_URL", "STRETTCH_KEY", "STRETTCH_CREDENTIALS", "STRETTCH_CA_FILE"]

    /// The folder of `--data`.
    static let data = "STRETTCH_DATA"

    /// Read by the project's own tests and scripts, which start the program.
    private static let testPrefixes = ["STRETTCH_TEST_", "STRETTCH_KILL_", "STRETTCH_UNSHARED"]

    /// Edits at most that make another prefix of ours: STRETCH_LISTEN is meant for this program.
    private static let prefixEdits = 2

    static let known = Set(SettingTable.all.map(\.variable) + client + [data])

    /// Throws `VALIDATION_ERROR` with every variable that only a misspelling can explain, whichever command it is for.
    static func check(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        let problems = environment.keys.sorted().compactMap(problem)
        guard problems.isEmpty else { throw CloudError.settings(problems, of: "The environment") }
    }

    private static func problem(_ name: String) -> Problem? {
        guard !known.contains(name), !testPrefixes.contains(where: name.hasPrefix) else { return nil }
        if name.uppercased().hasPrefix(prefix.dropLast()) {
            return Problem(
                name.shown,
                "is not a variable of this program.\(NearestName.question(name, among: known)) Correct it, or unset it."
            )
        }
        guard let meant = meant(by: name) else { return nil }
        return Problem(name.shown, "is not read. Did you mean \(meant)? Correct it, or unset it.")
    }

    /// The known variable whose name differs in the prefix alone.
    private static func meant(by name: String) -> String? {
        let parts = name.uppercased().split(separator: "_", maxSplits: 1)
        guard parts.count == 2, known.contains(prefix + parts[1]),
            NearestName.edits(Array(parts[0] + "_"), Array(prefix)) <= prefixEdits
        else { return nil }
        return prefix + parts[1]
    }
}

extension CloudError {
    /// Settings that can't be used, all of them together.
    static func settings(_ problems: [Problem], of source: String) -> CloudError {
        CloudError(
            .validationError,
            problems.count == 1
                ? "\(source): \(problems[0].field): \(problems[0].message)"
                : "\(source) has \(problems.count) settings that can't be used.",
            problems: problems)
    }
}
