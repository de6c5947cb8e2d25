/// Words that must not stand in code, and where.
struct ForbiddenWord {
    var words: [String]
    /// Whether a word counts too as a member of something, behind a dot.
    var afterDot = true
    /// Folders that the rule is for.
    var folders = ["Sources", "Tests"]
    /// Folders among them that it is not for.
    var except: [String] = []
    /// What to write instead.
    var instead: String

    static let all: [ForbiddenWord] = [
        ForbiddenWord(words: ["try!"], instead: "throw, or catch"),
        ForbiddenWord(words: ["as!"], instead: "cast with as? and say what to do otherwise"),
        ForbiddenWord(
            words: ["fatalError(", "preconditionFailure("],
            except: ["Sources/CloudServer/HeaderNames.swift", "Tests/CloudTesting"],  // constants alone
            instead: "throw CloudError.bug"),
        ForbiddenWord(
            words: ["print("], afterDot: false, except: ["Sources/strettch"],
            instead: "log, or return the text"),
        ForbiddenWord(
            words: ["usleep(", "nanosleep(", "sleep("], folders: ["Tests"],
            except: ["Tests/CloudTesting"],  // the one place that may wait between two looks at a condition
            instead: "move a manual clock, or look for a condition by what CloudTesting has for it"),
        ForbiddenWord(
            words: ["Date()", "Date.now", "UUID()", "SystemRandomNumberGenerator()", "time(nil)"],
            folders: [
                "Sources/CloudAudit", "Sources/CloudCore", "Sources/CloudControl", "Sources/CloudDatabase",
                "Sources/CloudWorker",
            ],
            instead: "take clock and random numbers from outside, so that a simulation decides them"),
        ForbiddenWord(
            words: ["run()"], folders: ["Sources/CloudMachines/QEMU", "Sources/CloudMachines/Network"],
            instead:
                "run(as:) with the HostEffect that it is, so that crashes are tested there; nil for a look"),
        ForbiddenWord(words: ["Process()"], instead: "run it by Command"),
        ForbiddenWord(words: ["Task.detached"], instead: "a Service, or a child task"),
    ]
}

/// Rules for Swift code, each a function from one file to its violations.
enum CodeRules {
    static func forbiddenWords(_ file: SourceFile) -> [Violation] {
        guard let code = file.code else { return [] }
        return ForbiddenWord.all.filter { file.isIn($0.folders) && !file.isIn($0.except) }.flatMap { rule in
            rule.words.flatMap { word in
                code.lines(with: word, afterDot: rule.afterDot).map {
                    file.violation($0, "\(word) is not for here: \(rule.instead)")
                }
            }
        }
    }

    /// A failure that is dropped without a word why.
    static func silentTry(_ file: SourceFile) -> [Violation] {
        unexplained("try?", in: file, "say in a comment why the error is dropped")
    }

    static func uncheckedSendable(_ file: SourceFile) -> [Violation] {
        unexplained("@unchecked Sendable", in: file, "say in a comment why this is safe")
    }

    static func emptyCatch(_ file: SourceFile) -> [Violation] {
        guard let code = file.code else { return [] }
        return code.offsets(of: "catch").compactMap { offset in
            let rest = code.bytes[offset...]
            let brace = rest.firstIndex { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "}") }
            guard let brace, code.bytes[brace] == UInt8(ascii: "{") else { return nil }
            let body = code.bytes[(brace + 1)...].first {
                $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n")
            }
            guard body == UInt8(ascii: "}") else { return nil }
            return file.violation(
                code.lineNumber(of: offset), "an error is caught and nothing is done about it")
        }
    }

    /// A shell that interprets a text which may hold data.
    static func shell(_ file: SourceFile) -> [Violation] {
        // The README's tour is written for a shell, and one initializer takes texts without data alone.
        let exempt = [
            "Tests/TidyTests", "Tests/ProgramTests/ReadmeTests.swift",
            "Sources/CloudMachines/Command+Script.swift",
        ]
        guard file.isSwift, !file.isIn(exempt) else { return [] }
        let text = ByteText(file.text)
        let lines = Set(
            ["sh\", [\"-c\"", "sh\", \"-c\"", "/sh -c", "/bash -c"].flatMap { part in
                text.offsets(of: part).map(text.lineNumber)
            })
        return lines.sorted().map {
            file.violation($0, "run a program by its argument vector, not by a shell")
        }
    }

    static func length(_ file: SourceFile) -> [Violation] {
        let count = file.lineCount
        guard file.isSwift, count > longest else { return [] }
        return [file.violation(count, "\(count) lines; more than \(longest) want to be two files")]
    }

    static let longest = 300

    /// Lines with the word that have no comment: neither beside it nor on the line above.
    private static func unexplained(_ word: String, in file: SourceFile, _ message: String) -> [Violation] {
        guard let code = file.code else { return [] }
        let lines = code.offsets(of: word).map(code.lineNumber)
        guard !lines.isEmpty else { return [] }
        let raw = ByteText(file.text)
        return lines.filter { number in
            !raw.line(number).contains("//") && !raw.line(number - 1).drop { $0.isWhitespace }.hasPrefix("//")
        }.map { file.violation($0, message) }
    }
}
