import Foundation

/// A file of the project, with its path from the project's root.
struct SourceFile: Sendable {
    var path: String
    var text: String

    /// The code of a Swift file, with comments and strings blanked; `nil` for other files.
    var code: ByteText?

    init(_ path: String, _ text: String) {
        self.path = path
        self.text = text
        if isSwift { code = SwiftCode(text).text }
    }

    var isSwift: Bool { path.hasSuffix(".swift") }
    var isMarkdown: Bool { path.hasSuffix(".md") }

    /// A break at the end of the file begins no line.
    var lineCount: Int {
        text.utf8.count { $0 == UInt8(ascii: "\n") }
            + (text.utf8.last.map { $0 == UInt8(ascii: "\n") ? 0 : 1 } ?? 0)
    }

    func violation(_ line: Int, _ message: String) -> Violation {
        Violation(path: path, line: line, message: message)
    }

    /// The target that the file belongs to; `nil` outside of Sources and Tests.
    var target: String? {
        let parts = path.split(separator: "/")
        guard parts.count > 2, parts[0] == "Sources" || parts[0] == "Tests" else { return nil }
        return String(parts[1])
    }

    func isIn(_ folders: [String]) -> Bool { folders.contains { path == $0 || path.hasPrefix($0 + "/") } }
}

/// A breach of a rule, in the form that editors and CI turn into a link.
struct Violation: Equatable, CustomStringConvertible {
    var path: String
    /// From 1; 0 for the file as a whole.
    var line: Int
    var message: String

    var description: String { "\(path):\(line): \(message)" }
}

/// All text files of the project, as they lie on the disk.
struct SourceTree: Sendable {
    var files: [SourceFile]
    /// Every path, folders and files that are no text included.
    var paths: Set<String>

    private static let ignoredFolders: Set = [".git", ".build", ".swiftpm", "demo"]
    private static let textEndings: Set = [
        "swift", "md", "yaml", "yml", "json", "sh", "sql", "html", "css", "js", "",
    ]
    /// The largest file that is read, in bytes.
    private static let largest = 2 << 20

    /// The project that this file is part of.
    static func project() throws -> SourceTree {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        var tree = SourceTree(files: [], paths: [])
        try tree.read(root, below: "")
        return tree
    }

    private mutating func read(_ folder: URL, below prefix: String) throws {
        let keys: Set<URLResourceKey> = [.isDirectoryKey, .fileSizeKey]
        let entries = try FileManager.default.contentsOfDirectory(
            at: folder, includingPropertiesForKeys: Array(keys))
        for entry in entries.sorted(by: { $0.lastPathComponent < $1.lastPathComponent }) {
            let name = entry.lastPathComponent
            let path = prefix + name
            let values = try entry.resourceValues(forKeys: keys)
            if values.isDirectory == true {
                // What is built or made by the demo is not ours to judge; .build-* are builds of another kind.
                guard !Self.ignoredFolders.contains(path), !name.hasPrefix(".build") else { continue }
                paths.insert(path)
                try read(entry, below: path + "/")
            } else {
                paths.insert(path)
                guard Self.textEndings.contains(entry.pathExtension), values.fileSize ?? 0 <= Self.largest
                else {
                    continue
                }
                files.append(SourceFile(path, String(decoding: try Data(contentsOf: entry), as: UTF8.self)))
            }
        }
    }

    func file(_ path: String) -> SourceFile? { files.first { $0.path == path } }
}
