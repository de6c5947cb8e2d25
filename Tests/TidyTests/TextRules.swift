/// Rules for every text file of the project.
enum TextRules {
    static func trailingWhitespace(_ file: SourceFile) -> [Violation] {
        let text = ByteText(file.text)
        let lines = Set([" \n", "\t\n", "\r\n"].flatMap { text.offsets(of: $0).map(text.lineNumber) })
        return lines.sorted().map { file.violation($0, "white space at the end of the line") }
    }

    /// What is to be done belongs into an issue.
    static func unfinished(_ file: SourceFile) -> [Violation] {
        guard !file.isIn(["Tests/TidyTests"]) else { return [] }
        let text = ByteText(file.text)
        let lines = Set(["TODO", "FIXME"].flatMap { text.lines(with: $0) })
        return lines.sorted().map { file.violation($0, "finish it, or take it out") }
    }

    /// A path that exists on one person's machine alone. Tests may make up a home.
    static func personalPaths(_ file: SourceFile) -> [Violation] {
        guard !file.isIn(["Tests"]) else { return [] }
        let text = ByteText(file.text)
        let lines = Set(["/Users/", "/home/"].flatMap { text.lines(with: $0) })
        return lines.sorted().map { file.violation($0, "a path of somebody's own machine") }
    }

    static func decisionLength(_ file: SourceFile) -> [Violation] {
        let count = file.lineCount
        guard file.isIn(["docs/decisions"]), file.isMarkdown, count > longestDecision else { return [] }
        return [file.violation(count, "a decision is at most \(longestDecision) lines")]
    }

    static let longestDecision = 40
}

/// Rules for links between Markdown files.
enum LinkRules {
    /// Links to files or headings of the project that are not there. Links to the web are not followed.
    static func deadLinks(_ tree: SourceTree) -> [Violation] {
        tree.files.filter(\.isMarkdown).flatMap { file in
            links(file).compactMap { link in
                problem(link.target, of: file, in: tree).map {
                    Violation(path: file.path, line: link.line, message: $0)
                }
            }
        }
    }

    /// The anchors that GitHub gives to the headings of a text.
    static func anchors(_ text: String) -> Set<String> {
        var anchors: Set<String> = []
        for line in prose(text).map(\.line) where line.hasPrefix("#") {
            let heading = line.drop { $0 == "#" }.drop(while: \.isWhitespace)
            let words = heading.replacing(/\[([^\]]*)\]\([^)]*\)/) { $0.1 }.lowercased()
            let slug = String(
                words.filter { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" || $0 == " " }
                    .map { $0 == " " ? "-" : $0 })
            var anchor = slug
            var copy = 0
            while !anchors.insert(anchor).inserted {
                copy += 1
                anchor = "\(slug)-\(copy)"
            }
        }
        return anchors
    }

    private static func links(_ file: SourceFile) -> [(target: String, line: Int)] {
        prose(file.text).flatMap { line, number in
            line.replacing(/`[^`]*`/, with: "").matches(of: /\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/)
                .map { (String($0.1), number) }
        }
    }

    /// The lines outside of code blocks, with their numbers.
    private static func prose(_ text: String) -> [(line: Substring, number: Int)] {
        var isCode = false
        return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap {
            index, line in
            if line.drop(while: \.isWhitespace).hasPrefix("```") {
                isCode.toggle()
                return nil
            }
            return isCode ? nil : (line, index + 1)
        }
    }

    private static func problem(_ target: String, of file: SourceFile, in tree: SourceTree) -> String? {
        guard !target.contains(/^[a-z]+:/) else { return nil }
        let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        let path = parts[0].isEmpty ? file.path : resolved(parts[0], from: file.path)
        guard let path, path.isEmpty || tree.paths.contains(path) else {
            return "the link leads nowhere: \(target)"
        }
        guard parts.count == 2, let text = tree.file(path)?.text, path.hasSuffix(".md") else { return nil }
        return anchors(text).contains(parts[1]) ? nil : "\(path) has no heading for #\(parts[1])"
    }

    /// A path from the root; `nil` when it leads out of the project.
    private static func resolved(_ link: String, from path: String) -> String? {
        var parts = link.hasPrefix("/") ? [] : path.split(separator: "/").dropLast()
        for part in link.split(separator: "/") where part != "." {
            if part != ".." {
                parts.append(part)
            } else if parts.popLast() == nil {
                return nil
            }
        }
        return parts.joined(separator: "/")
    }
}
