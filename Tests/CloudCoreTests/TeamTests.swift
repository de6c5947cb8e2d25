import CloudCore
import Testing

@Suite("Teams, roles, names")
struct TeamTests {
    @Test("each permission is of these roles")
    func permissions() {
        let table: [Permission: [Role]] = [
            .view: [.owner, .admin, .member], .changeComputes: [.owner, .admin],
            .manageKeys: [.owner, .admin], .manageMembers: [.owner, .admin], .deleteTeam: [.owner],
            .transferTeam: [.owner],
        ]
        for permission in Permission.allCases {
            #expect(Role.allCases.filter { $0.may(permission) } == table[permission], "\(permission)")
        }
    }

    @Test("nobody manages keys that may do more than his own")
    func keys() {
        let may = Role.allCases.map { role in Role.allCases.filter { role.mayManageKeys(of: $0) } }
        #expect(may == [[.owner, .admin, .member], [.admin, .member], []])
    }

    @Test(
        "names are short, can be seen, and have no spaces at their ends",
        arguments: [
            ("a", true), ("payments", true), ("Équipe n° 7 (été)", true), ("支付", true), ("a b", true),
            (String(repeating: "é", count: 64), true), (String(repeating: "a", count: 65), false),
            ("", false), (" ", false), (" a", false), ("a ", false), ("a\u{3000}", false), ("a\nb", false),
            ("a\u{0}", false), ("a\u{1B}[2J", false), ("a\u{202E}b", false), ("a\u{200B}b", false),
            ("a\u{2028}b", false), ("a\u{E000}", false),
        ])
    func names(_ name: String, valid: Bool) { #expect((DisplayName.problem(name) == nil) == valid) }
}
