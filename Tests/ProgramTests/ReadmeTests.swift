import CloudMachines
import Foundation
import Testing

@Suite("The README", .enabled(if: RealCloud.isRoot, "bridges need root"))
struct ReadmeTests {
    @Test("its tour prints what it says, with a real guest")
    func tour() async throws {
        let commands = try Self.tour(in: try String(contentsOfFile: Self.path, encoding: .utf8))
        #expect(commands.count == 14)
        try await RealCloud.with { cloud in
            for command in commands {
                let said = try await cloud.shell(command.line)
                #expect(command.matches(said), "$ \(command.line)\n\(said)")
            }
        }
    }

    private static var path: String {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../README.md")
            .standardizedFileURL.path
    }

    /// A command of the tour, with the lines that it prints.
    struct TourCommand {
        var line: String
        var output: [String] = []

        /// Whether each line of the output is there, in order; an ellipsis stands for anything, with the spaces that
        /// keep a column in its place.
        func matches(_ said: String) -> Bool {
            var rest = said.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)[...]
            for wanted in output {
                let parts = wanted.split(separator: "…", maxSplits: 1, omittingEmptySubsequences: false)
                let end = parts.count == 2 ? parts[1].drop { $0 == " " } : ""
                guard
                    let found = rest.firstIndex(where: {
                        $0 == wanted || (parts.count == 2 && $0.hasPrefix(parts[0]) && $0.hasSuffix(end))
                    })
                else { return false }
                rest = rest[(found + 1)...]
            }
            return true
        }
    }

    /// The commands in the blocks that are marked as a console.
    static func tour(in text: String) throws -> [TourCommand] {
        var commands: [TourCommand] = []
        for block in text.components(separatedBy: "```console\n").dropFirst() {
            let lines = try #require(block.components(separatedBy: "```").first).split(separator: "\n")
            for line in lines {
                if line.hasPrefix("$ ") {
                    commands.append(TourCommand(line: String(line.dropFirst(2))))
                } else {
                    commands[commands.count - 1].output.append(String(line))
                }
            }
        }
        return commands
    }
}

extension RealCloud {
    /// Runs a line of the README in the cloud's folder, as its reader would, and returns all that it printed.
    fileprivate func shell(_ line: String) async throws -> String {
        let script =
            "cd '\(folder)' && PATH=\"\(URL(filePath: program).deletingLastPathComponent().path):$PATH\" && { \(line); } 2>&1 || true"
        let command = inside("bash", ["-c", script])
        return try await Command(
            "env", environment + [command.program] + command.arguments, timeoutSeconds: 120
        )
        .run().standardOutput
    }
}
