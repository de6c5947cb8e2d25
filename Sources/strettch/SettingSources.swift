import CloudCore
import Configuration
import Foundation
import Yams

/// Reads settings from where they are given. Each source is checked whole, against the table of settings, before any is used.
enum SettingSources {
    /// Bytes of the largest file that is read.
    static let maxFileBytes = 1 << 20

    /// What was given on the command line, by the settings' names.
    static func flags(_ flags: [String: ConfigValue]) throws -> [String: ConfigValue] {
        var reading = Reading()
        for setting in Setting.all {
            guard let value = flags[setting.name] else { continue }
            let flag =
                "--" + setting.name.reduce(into: "") { $0 += ($1.isUppercase ? "-" : "") + $1.lowercased() }
            switch value.content {
            case .string(let text): reading.read(text, setting, as: flag)
            case .int(let int): reading.read("\(int)", setting, as: flag)
            default: reading.values[setting.name] = value
            }
        }
        return try reading.values(of: "The command line")
    }

    /// The settings among the variables. `EnvironmentNames.check` has looked at the names.
    static func environment(_ environment: [String: String]) throws -> [String: ConfigValue] {
        var reading = Reading()
        for setting in Setting.all {
            guard let text = environment[setting.variable] else { continue }
            reading.read(text, setting, as: setting.variable)
        }
        return try reading.values(of: "The environment")
    }

    /// The members of a YAML file. Throws with each that is unknown, empty, nested or of the wrong kind.
    static func file(_ path: String) throws -> [String: ConfigValue] {
        var reading = Reading()
        for (key, value) in try members(path) { reading.read(value, key) }
        return try reading.values(of: path)
    }

    /// What a server has written for the commands beside it. Another version may have written it, so members that this one
    /// does not know are passed over, and empty ones are not set.
    static func written(_ path: String) throws -> [String: ConfigValue] {
        var values: [String: ConfigValue] = [:]
        for (key, value) in try members(path) {
            guard let setting = key.string.flatMap({ Setting.byName[$0] }), let text = value.scalar?.string,
                !text.isEmpty
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
                .validationError, "The settings file \(path) is not valid YAML. \(mistake(error))",
                detail: "\(error)")
        }
        guard let root, root.scalar.map({ !isNothing($0) }) ?? true else { return [] }
        guard let mapping = root.mapping else {
            throw CloudError(
                .validationError,
                "The settings file \(path) is not a list of settings. Write one line for each, such as listen: "
                    + "127.0.0.1:8080")
        }
        return mapping.map { ($0.key, $0.value) }
    }

    /// What is wrong with the YAML, without the file's text, which may hold a password.
    private static func mistake(_ error: any Error) -> String {
        switch error as? YamlError {
        case .duplicatedKeysInMapping(let names, _):
            "\(names.sorted().map(\.shown).joined(separator: ", ")) stands there more than once. Keep one of them."
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "Line \(mark.line), column \(mark.column): \(problem)."
        default: "Write one line for each setting, such as listen: 127.0.0.1:8080"
        }
    }

    fileprivate static func isNothing(_ scalar: Node.Scalar) -> Bool {
        scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }
}

/// The values of one source, and all that is wrong with them.
private struct Reading {
    var values: [String: ConfigValue] = [:]
    private var problems: [Problem] = []

    /// What is given elsewhere than in the file.
    private static let elsewhere = ["data": "--data or STRETTCH_DATA", "config": "--config"]

    mutating func read(_ node: Node, _ key: Node) {
        guard let name = key.string else {
            return report(
                "(a name)", "is not a text. Write NAME: VALUE, with one of the names in docs/operate.md.")
        }
        guard let setting = Setting.byName[name] else {
            if let place = Self.elsewhere[name] {
                return report(name, "is not read from the file. Give it with \(place).")
            }
            return report(
                name.shown,
                "is not a setting.\(NearestName.question(name, among: Setting.byName.keys)) Correct it, or leave it out."
            )
        }
        guard let scalar = node.scalar else {
            return report(
                name, "has more than one value. Give \(setting.wanted), with commas where it has several.")
        }
        read(SettingSources.isNothing(scalar) ? "" : scalar.string, setting, as: name)
    }

    /// - Parameter name: how the setting is called where it was given.
    mutating func read(_ text: String, _ setting: Setting, as name: String) {
        guard text.contains(where: { !$0.isWhitespace }) else {
            return report(name, "is empty. Give \(setting.wanted), or leave it out.")
        }
        guard let value = setting.value(of: text) else {
            return report(name, "'\(text.shown)' is not valid. Give \(setting.wanted).")
        }
        values[setting.name] = value
    }

    private mutating func report(_ name: String, _ message: String) {
        problems.append(Problem(name, message))
    }

    func values(of source: String) throws -> [String: ConfigValue] {
        guard problems.isEmpty else { throw CloudError.settings(problems, of: source) }
        return values
    }
}
