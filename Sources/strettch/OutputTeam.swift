import CloudControl
import CloudServer
import CloudWire

/// One team as the operator's commands print it.
struct OutputTeam: Encodable {
    var team: TeamWire
    /// Keys that work.
    var keys: [KeyWire]
    /// Computes that are not DESTROYED.
    var computes: Int

    init(_ report: TeamReport) {
        team = TeamWire(report.team, standing: report.standing)
        keys = report.keys.map { KeyWire($0) }
        computes = report.computes
    }

    static func table(_ teams: [OutputTeam]) -> String {
        guard !teams.isEmpty else {
            return "There are no teams. Make one with: strettch admin team create NAME"
        }
        return OutputTable(
            header: ["ID", "NAME", "STANDING", "NETWORK", "KEYS", "COMPUTES", "CREATED"],
            rows: teams.map {
                [
                    $0.team.id, $0.team.name, $0.team.standing, $0.team.network, "\($0.keys.count)",
                    "\($0.computes)",
                    $0.team.createdAt,
                ]
            }
        ).text
    }

    /// All that is known of the team, a line each, and its keys.
    var detail: String {
        OutputText.clean(lines: [
            "id         \(team.id)", "name       \(team.name)", "standing   \(team.standing)",
            "network    \(team.network)",
            "computes   \(computes)", "createdAt  \(team.createdAt)",
        ]) + "\n\n" + OutputKey.table(keys)
    }
}

/// How API keys are shown to people.
enum OutputKey {
    static func table(_ keys: [KeyWire]) -> String {
        guard !keys.isEmpty else {
            return "There are no keys. Make one with: strettch admin key create TEAM NAME"
        }
        return OutputTable(
            header: ["ID", "NAME", "ROLE", "CREATED", "LAST USED"],
            rows: keys.map { [$0.id, $0.name, $0.role, $0.createdAt, $0.lastUsedAt ?? "never"] }
        ).text
    }

    /// What to say beside a key that was just made.
    static func created(_ key: KeyWire, team: String) -> String {
        OutputText.clean(
            "The key '\(key.name)' (\(key.id), \(key.role)) of the team '\(team)' is shown this once:")
    }
}
