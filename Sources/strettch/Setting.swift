import ArgumentParser
import CloudCore

/// One setting of the server: all that is known of it besides what it does. `SettingTable` has them all.
struct Setting<Value: Sendable>: Sendable {
    /// The name in the file: `tlsCertificate`.
    let name: String
    let kind: SettingKind<Value>
    /// The value when it is not set.
    let standard: Value
    /// The same in words.
    let standardText: String
    /// What it decides.
    let help: String
    /// A link to more, as `docs/operate.md` has it.
    let link: String?
    /// Whether the value is neither shown nor written.
    let isSecret: Bool

    /// A setting that has a value, whether it is set or not.
    /// - Parameter text: the default as it would be given, where that is not how the value reads.
    init(
        _ name: String, _ kind: SettingKind<Value>, _ standard: Value, text: String? = nil, _ help: String,
        link: String? = nil
    ) {
        (self.name, self.kind, self.standard, self.help, self.link) = (name, kind, standard, help, link)
        standardText = "`\(text ?? kind.text(standard))`"
        isSecret = false
    }

    /// A setting that has no value unless it is set.
    /// - Parameter absent: what holds then.
    init<Given>(
        _ name: String, _ kind: SettingKind<Given>, absent: String = "none", _ help: String,
        link: String? = nil, isSecret: Bool = false
    ) where Value == Given? {
        (self.name, self.help, self.link, self.isSecret) = (name, help, link, isSecret)
        self.kind = SettingKind(kind.wanted, text: { $0.map(kind.text) ?? "" }) { kind.read($0).map(\.self) }
        (standard, standardText) = (nil, absent)
    }
}

/// A setting of whatever type: what sources, help and documentation know of it.
protocol AnySetting: Sendable {
    var name: String { get }
    var standardText: String { get }
    var help: String { get }
    var link: String? { get }
    var isSecret: Bool { get }
    /// What to give.
    var wanted: String { get }
    /// Whether it is on or off, so that its flag takes no value.
    var isFlag: Bool { get }

    /// The value that the text stands for; `nil` when it stands for none.
    func value(of text: String) -> (any Sendable)?
    /// The value in force, as it would be given.
    func text(in settings: ServeSettings) -> String
}

extension Setting: AnySetting {
    var wanted: String { kind.wanted }
    var isFlag: Bool { Value.self == Bool.self }

    func value(of text: String) -> (any Sendable)? { kind.read(text) }
    func text(in settings: ServeSettings) -> String { kind.text(settings[self]) }
}

extension AnySetting {
    /// The name on the command line: `--tls-certificate`.
    var flag: String { "--" + flagName }
    var flagName: String {
        name.reduce(into: "") { $0 += ($1.isUppercase ? "-" : "") + $1.lowercased() }
    }
    /// The name in the environment: `STRETTCH_TLS_CERTIFICATE`.
    var variable: String {
        EnvironmentNames.prefix + flagName.uppercased().replacing("-", with: "_")
    }

    /// The text as a message may show it.
    func shown(_ text: String) -> String { isSecret ? "the value" : "'\(text.shownWithoutSecret)'" }

    /// The help of its flag.
    var flagHelp: ArgumentHelp {
        let standard = standardText.replacing("`", with: "")
        return ArgumentHelp(isFlag ? help : "\(help) Value: \(wanted). Default: \(standard).")
    }

    /// Its row in the table of `docs/operate.md`.
    var row: String {
        let more = link.map {
            " See [\($0.split(separator: /#|\.md/).last?.replacing("-", with: " ") ?? "")](\($0))."
        }
        return
            "| `\(flag)` | `\(variable)` | `\(name)` | \(standardText) | \(help) Value: \(wanted).\(more ?? "") |"
    }
}

extension String {
    /// As a message may show a value that may have been meant for another setting: without a password.
    var shownWithoutSecret: String {
        contains("://") && contains("@") || lowercased().contains("password") ? "(not shown)" : shown
    }
}
