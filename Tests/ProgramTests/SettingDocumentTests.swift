import Foundation
import Testing

@testable import strettch

@Suite("The documentation of settings")
struct SettingDocumentTests {
    @Test("has the table as the program has it (make docs writes it)")
    func table() throws {
        let text = try Self.text("docs/operate.md")
        let rows = try #require(text.firstMatch(of: /(?m)(^\| `--data` .*\n)((?:^\|.*\n)*)/))
        let wanted = SettingTable.all.map { $0.row + "\n" }.joined()
        guard ProcessInfo.processInfo.environment["STRETTCH_TEST_WRITE_DOCS"] == nil else {
            return try text.replacing(rows.2, with: wanted, maxReplacements: 1)
                .write(toFile: Self.path("docs/operate.md"), atomically: true, encoding: .utf8)
        }
        #expect(rows.2 == wanted)
    }

    @Test("shows how to add a setting by code that is there")
    func recipe() throws {
        let page = try Self.text("docs/adding-a-setting.md")
        var (file, blocks) = ("", 0)
        for part in page.split(separator: "\n\n") {
            if let path = part.firstMatch(of: /`(Sources\/\S+\.swift)`/)?.1 { file = String(path) }
            let lines = part.split(separator: "\n")
            guard lines.allSatisfy({ $0.hasPrefix("       ") }) else { continue }
            let code = try Self.lines(Self.text(file))
            #expect("\n\(code)\n".contains("\n\(Self.lines(String(part)))\n"), "\(file) has no\n\(part)")
            blocks += 1
        }
        #expect(blocks == 3)
        for path in page.matches(of: /`(Sources\/\S+\.swift)`/).map(\.1) {
            #expect(FileManager.default.fileExists(atPath: Self.path(String(path))))
        }
        #expect(try Self.text("Makefile").contains(/(?m)^docs: build/))
        #expect(try Self.text("Sources/strettch/ServeSettings.swift").contains("func checkTogether()"))
    }

    /// Without the white space around each.
    private static func lines(_ text: String) -> String {
        text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "\n")
    }

    private static func text(_ path: String) throws -> String {
        try String(contentsOfFile: Self.path(path), encoding: .utf8)
    }

    private static func path(_ path: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../\(path)")
            .standardizedFileURL.path
    }
}
