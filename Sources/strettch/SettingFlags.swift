import ArgumentParser

/// The flags of `strettch serve`: one for each setting.
struct SettingFlags: ParsableArguments, CustomReflectable {
    /// What was given, by the settings' names, each as often as it was given.
    private(set) var given: [String: [String]] = [:]

    /// The argument parser finds its options by reflection, so these are the options of the command.
    var customMirror: Mirror {
        Mirror(
            self, children: SettingTable.all.map { ($0.name, $0.isFlag ? Self.flag($0) : Self.option($0)) })
    }

    private static func flag(_ setting: any AnySetting) -> Any {
        Flag(wrappedValue: false, name: .customLong(setting.flagName), help: setting.flagHelp)
    }

    /// Takes several values, so that one that is given twice can be refused.
    private static func option(_ setting: any AnySetting) -> Any {
        Option<[String]>(wrappedValue: [], name: .customLong(setting.flagName), help: setting.flagHelp)
    }
}

extension SettingFlags {
    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Name.self)
        for setting in SettingTable.all {
            let name = Name(stringValue: setting.name)
            if setting.isFlag {
                given[setting.name] =
                    try options.decode(Flag<Bool>.self, forKey: name).wrappedValue ? ["true"] : []
            } else {
                given[setting.name] = try options.decode(Option<[String]>.self, forKey: name).wrappedValue
            }
        }
    }

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
