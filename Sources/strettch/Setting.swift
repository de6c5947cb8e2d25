import ArgumentParser
import Configuration
import Foundation

/// One setting of the server: all that is known of it besides what it does. `Setting.all` is the table of them.
struct Setting: Sendable {
    /// How the text of a value is read.
    enum Kind: Sendable, Equatable {
        case text
        case flag
        case whole(ClosedRange<Int>)
        case number(ClosedRange<Double>)
    }

    /// The name in the file: `tlsCertificate`. The flag is `--tls-certificate`, where there is one.
    let name: String
    let kind: Kind
    /// The value when it is not set. An empty text means none.
    let standard: ConfigValue
    /// What it decides, for the help of its flag.
    let help: String

    static func text(_ name: String, standard: String = "", _ help: String) -> Setting {
        Setting(
            name: name, kind: .text, standard: ConfigValue(.string(standard), isSecret: false), help: help)
    }

    /// Off, unless it is set.
    static func flag(_ name: String, _ help: String) -> Setting {
        Setting(name: name, kind: .flag, standard: false, help: help)
    }

    static func whole(_ name: String, _ standard: Int, in range: ClosedRange<Int>, _ help: String) -> Setting
    {
        Setting(
            name: name, kind: .whole(range), standard: ConfigValue(.int(standard), isSecret: false),
            help: help
        )
    }

    static func number(
        _ name: String, _ standard: Double, in range: ClosedRange<Double>, _ help: String
    ) -> Setting {
        Setting(
            name: name, kind: .number(range), standard: ConfigValue(.double(standard), isSecret: false),
            help: help)
    }

    /// The name in the environment: `STRETTCH_TLS_CERTIFICATE`.
    var variable: String {
        EnvironmentNames.prefix
            + name.reduce(into: "") { $0 += ($1.isUppercase ? "_" : "") + $1.uppercased() }
    }

    /// What a value must be, for messages.
    var wanted: String {
        switch kind {
        case .text: "a text"
        case .flag: "true or false"
        case .whole(let range): "a whole number of \(range.lowerBound) to \(range.upperBound)"
        case .number(let range): "a number of \(range.lowerBound) to \(range.upperBound)"
        }
    }

    /// The value that the text stands for; `nil` when it stands for none of this kind or range.
    func value(of text: String) -> ConfigValue? {
        switch kind {
        case .text: ConfigValue(.string(text), isSecret: false)
        case .flag: Self.truth(text).map { ConfigValue(.bool($0), isSecret: false) }
        case .whole(let range):
            Self.whole(text).flatMap { range.contains($0) ? ConfigValue(.int($0), isSecret: false) : nil }
        case .number(let range):
            Double(text).flatMap { range.contains($0) ? ConfigValue(.double($0), isSecret: false) : nil }
        }
    }

    private static func truth(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "yes", "on", "1": true
        case "false", "no", "off", "0": false
        default: nil
        }
    }

    /// Decimal digits alone: YAML takes a leading zero for octal, and nobody should have to know.
    private static func whole(_ text: String) -> Int? {
        text.wholeMatch(of: /-?(0|[1-9][0-9]*)/) == nil ? nil : Int(text)
    }
}

extension Setting {
    static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
}

extension ArgumentHelp {
    /// The help of the flag of a setting.
    static func setting(_ name: String) -> ArgumentHelp { ArgumentHelp(Setting.byName[name]?.help ?? "") }
}
