import CloudCore
import Foundation
import Yams

/// Reads settings from where they are given. Each source is checked whole, against the table of settings, before any is used.
enum SettingSources {
    /// Bytes of the largest file that is read.
    static let maxFileBytes = 1 << 20

    /// What was given on the command line, by the settings' names, each as often as it was given.
    static func flags(_ flags: [String: [String]]) throws -> SettingValues {
        var reading = SettingReading()
        for setting in SettingTable.all {
            guard let texts = flags[setting.name], let text = texts.first else { continue }
            if texts.count == 1 {
                reading.read(text, setting, as: setting.flag)
            } else {
                reading.report(setting.flag, "is given \(texts.count) times. Give it once.")
            }
        }
        return try reading.values(of: "The command line")
    }

    /// The settings among the variables. `EnvironmentNames.check` has looked at the names.
    static func environment(_ environment: [String: String]) throws -> SettingValues {
        var reading = SettingReading()
        for setting in SettingTable.all {
            guard let text = environment[setting.variable] else { continue }
            reading.read(text, setting, as: setting.variable)
        }
        return try reading.values(of: "The environment")
    }

    /// The members of a YAML file. Throws with each that is unknown, empty, nested or of the wrong kind.
    static func file(_ path: String) throws -> SettingValues {
        var reading = SettingReading()
        for (key, value) in try members(path) { reading.read(value, key) }
        return try reading.values(of: path)
    }

    /// What a server has written for the commands beside it. Another version may have written it, so members that this one
    /// does not know are passed over, and empty ones are not set.
    static func written(_ path: String) throws -> SettingValues {
        var values: SettingValues = [:]
        for (key, value) in try members(path) {
            guard let setting = key.string.flatMap({ SettingTable.byName[$0] }),
                let text = value.scalar?.string, !text.isEmpty
            else { continue }
            values[setting.name] = setting.value(of: text)
        }
        return values
    }

    /// The pairs at the top of the file; none when it says nothing.
    private static func members(_ path: String) throws -> [(key: Node, value: Node)] {
        let text = try CommandFile.text(path, maxBytes: maxFileBytes)
        let root: Node?
        do {
            root = try compose(yaml: text)
        } catch {
            throw CloudError(
                .validationError, "The settings file \(path) is not valid YAML. \(mistake(error, in: text))",
                detail: "\(error)")
        }
        guard let root, root.scalar.map({ !$0.isNothing }) ?? true else { return [] }
        guard let mapping = root.mapping else {
            throw CloudError(
                .validationError,
                "The settings file \(path) is not a list of settings. Write one line for each, such as listen: "
                    + "127.0.0.1:8080")
        }
        return mapping.map { ($0.key, $0.value) }
    }

    /// What is wrong with the YAML, without the file's text, which may hold a password.
    private static func mistake(_ error: any Error, in text: String) -> String {
        switch error as? YamlError {
        case .duplicatedKeysInMapping(let names, _):
            names.sorted().map {
                "\($0.shownWithoutSecret) stands there more than once\(lines(of: $0, in: text))."
            }
            .joined(separator: " ") + " Keep one of them."
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "Line \(mark.line), column \(mark.column): \(problem). A value that begins with [, {, *, & or ! needs quotes, such "
                + "as listen: \"[::1]:8080\""
        default: "Write one line for each setting, such as listen: 127.0.0.1:8080"
        }
    }

    /// On which lines the name is given, where they begin with it.
    private static func lines(of name: String, in text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            .filter { $1.hasPrefix(name) && $1.dropFirst(name.count).drop { $0 == " " }.first == ":" }
            .map { "\($0.offset + 1)" }
        return lines.isEmpty ? "" : ", on lines \(lines.joined(separator: " and "))"
    }
}

/// Values that were given, by the settings' names.
typealias SettingValues = [String: any Sendable]

/// The values of one source, and all that is wrong with them.
private struct SettingReading {
    private var values: SettingValues = [:]
    private var problems: [Problem] = []

    /// What is given elsewhere than in the file.
    private static let elsewhere = ["data": "--data or STRETTCH_DATA", "config": "--config"]

    mutating func read(_ node: Node, _ key: Node) {
        let line = key.mark.map { " (line \($0.line))" } ?? ""
        guard let name = key.string else {
            return report(
                "(a name)\(line)",
                "is not a text. Write NAME: VALUE, with one of the names in docs/operate.md.")
        }
        guard let setting = SettingTable.byName[name] else { return refuse(name, line) }
        guard let scalar = node.scalar else {
            return report(
                "\(name)\(line)",
                "is a list or a mapping. Give \(setting.wanted) on one line; several values have commas between them."
            )
        }
        read(scalar.isNothing ? "" : scalar.string, setting, as: "\(name)\(line)")
    }

    private mutating func refuse(_ name: String, _ line: String) {
        guard let place = Self.elsewhere[name] else {
            let question = NearestName.question(name, among: SettingTable.byName.keys)
            return report(
                name.shownWithoutSecret + line, "is not a setting.\(question) Correct it, or leave it out.")
        }
        report("\(name)\(line)", "is not read from the file. Give it with \(place).")
    }

    /// - Parameter name: how the setting is called where it was given.
    mutating func read(_ text: String, _ setting: any AnySetting, as name: String) {
        guard text.contains(where: { !$0.isWhitespace }) else {
            return report(name, "is empty. Give \(setting.wanted), or leave it out.")
        }
        guard let value = setting.value(of: text) else {
            return report(name, "\(setting.shown(text)) is not valid. Give \(setting.wanted).")
        }
        values[setting.name] = value
    }

    mutating func report(_ name: String, _ message: String) { problems.append(Problem(name, message)) }

    func values(of source: String) throws -> SettingValues {
        guard problems.isEmpty else { throw CloudError.settings(problems, of: source) }
        return values
    }
}

extension Node.Scalar {
    /// Whether the file leaves the value out.
    fileprivate var isNothing: Bool {
        style == .plain && ["", "~", "null", "Null", "NULL"].contains(string)
    }
}
