import Testing

/// Each rule finds what was planted for it, on the right line, and leaves alone what is well.
@Suite("A tidy rule")
struct RuleTests {
    private func file(_ text: String, _ path: String = "Sources/CloudControl/CreateTeam.swift") -> SourceFile
    {
        SourceFile(path, text)
    }

    private func lines(_ violations: [Violation]) -> [Int] { violations.map(\.line) }

    @Test(
        "finds forbidden words in code",
        arguments: [
            "try! x()", "x as! Int", "fatalError(\"no\")", "print(x)", "let d = Date()", "let u = UUID()",
            "let p = Process()", "Task.detached { }",
        ])
    func forbidden(code: String) {
        #expect(lines(CodeRules.forbiddenWords(file("\n" + code))) == [2])
    }

    @Test(
        "leaves the same words alone in comments, strings and longer names",
        arguments: [
            "// try! x()", "let s = \"print(x)\"", "let s = \"\"\"\n print(x) try!\n\"\"\"", "/* Date() */",
            "let s = #\"a \" print(x)\"#", "blueprint(x)", "x.print(y)", "let s = \"\\(f(\"a\")) print(x)\"",
            "UpdateDate(1)", "try x()",
        ])
    func allowed(code: String) {
        #expect(CodeRules.forbiddenWords(file(code)) == [])
    }

    @Test("knows where a word is forbidden")
    func places() {
        #expect(CodeRules.forbiddenWords(file("print(x)", "Sources/strettch/A.swift")) == [])
        #expect(CodeRules.forbiddenWords(file("UUID()", "Sources/CloudServer/A.swift")) == [])
        #expect(
            CodeRules.forbiddenWords(file("try await Task.sleep(for: x)", "Sources/CloudWorker/A.swift"))
                == [])
        #expect(
            lines(CodeRules.forbiddenWords(file("try await Task.sleep(for: x)", "Tests/X/A.swift"))) == [1])
        #expect(CodeRules.forbiddenWords(file("print(x)", "README.md")) == [])
        let change = "try await Command(x).run()"
        #expect(lines(CodeRules.forbiddenWords(file(change, "Sources/CloudMachines/QEMU/A.swift"))) == [1])
        #expect(CodeRules.forbiddenWords(file(change, "Sources/CloudMachines/Images/A.swift")) == [])
    }

    @Test("finds code after a string on the same line")
    func afterString() {
        #expect(lines(CodeRules.forbiddenWords(file("log(\"it is \\(x)\"); print(1)"))) == [1])
    }

    @Test("finds an error that is dropped without a reason")
    func silentTry() {
        #expect(lines(CodeRules.silentTry(file("let a = try? b()"))) == [1])
        #expect(CodeRules.silentTry(file("let a = try? b()  // nil is an answer")) == [])
        #expect(CodeRules.silentTry(file("// nil is an answer\nlet a = try? b()")) == [])
        #expect(CodeRules.silentTry(file("let a = \"try?\"")) == [])
    }

    @Test("finds an empty catch")
    func emptyCatch() {
        #expect(lines(CodeRules.emptyCatch(file("do { try a() }\ncatch {}"))) == [2])
        #expect(lines(CodeRules.emptyCatch(file("do {\n} catch let e as X {\n  // never mind\n}"))) == [2])
        #expect(CodeRules.emptyCatch(file("do { } catch { throw b }")) == [])
    }

    @Test("finds what is unchecked without a reason")
    func unchecked() {
        #expect(lines(CodeRules.uncheckedSendable(file("final class A: @unchecked Sendable {}"))) == [1])
        #expect(CodeRules.uncheckedSendable(file("// Locked.\nfinal class A: @unchecked Sendable {}")) == [])
    }

    @Test("finds a shell")
    func shell() {
        #expect(lines(CodeRules.shell(file(#"Command("/bin/sh", ["-c", x])"#))) == [1])
        #expect(lines(CodeRules.shell(file(#"Command("bash", ["-c", x])"#))) == [1])
        #expect(lines(CodeRules.shell(file("let a = \"/bin/sh -c \\(x)\""))) == [1])
        #expect(CodeRules.shell(file(#"Command("bash", [script])"#)) == [])
    }

    @Test("finds a Swift file that is too long, and counts no line after the last break")
    func length() {
        let long = String(repeating: "a\n", count: 301)
        #expect(lines(CodeRules.length(file(long))) == [301])
        #expect(CodeRules.length(file(String(long.dropLast(2)))) == [])
        #expect(CodeRules.length(file(long, "docs/long.md")) == [])
    }

    @Test("finds white space at the end of a line")
    func whitespace() {
        #expect(lines(TextRules.trailingWhitespace(file("a\nb \n\t\nc\n"))) == [2, 3])
    }

    @Test("finds what is unfinished, and the paths of somebody's machine")
    func texts() {
        #expect(lines(TextRules.unfinished(file("// TODO: later\nmasTODON\n# FIXME"))) == [1, 3])
        #expect(
            lines(
                TextRules.personalPaths(
                    file("see /Users/me/x\nsee /home/me\nhttps://a.b/home/c", "README.md"))) == [
                    1, 2,
                ])
    }

    @Test("finds a long decision")
    func decision() {
        let text = String(repeating: "a\n", count: 41)
        #expect(lines(TextRules.decisionLength(file(text, "docs/decisions/0001-a.md"))) == [41])
        #expect(TextRules.decisionLength(file(text, "docs/network.md")) == [])
    }

    @Test("finds dead links and headings that are not there")
    func links() {
        let readme = """
            # A title, and *more*
            [a](docs/a.md) [b](docs/b.md) [c](docs/a.md#two-words) [d](docs/a.md#three) [e](#a-title-and-more)
            [web](https://example.org/x) `[code](nowhere)` [up](../out.md) [folder](docs) [titled](docs/c.md "C")
            ```
            [in a block](nowhere)
            ```
            """
        let files = [
            file(readme, "README.md"), file("## Two words\n[back](../README.md)\n[no](no.md)", "docs/a.md"),
        ]
        let tree = SourceTree(files: files, paths: ["README.md", "docs", "docs/a.md"])
        #expect(
            LinkRules.deadLinks(tree).map(\.description) == [
                "README.md:2: the link leads nowhere: docs/b.md",
                "README.md:2: docs/a.md has no heading for #three",
                "README.md:3: the link leads nowhere: ../out.md",
                "README.md:3: the link leads nowhere: docs/c.md",
                "docs/a.md:3: the link leads nowhere: no.md",
            ])
    }

    private static let manifest = PackageManifest(
        """
        static let grdb = product(name: "GRDB", package: "GRDB.swift")
        static let subprocess = product(name: "Subprocess", package: "swift-subprocess")
        .target(name: "CloudCore", swiftSettings: strict),
        .target(
            name: "CloudDatabase",
            dependencies: ["CloudCore", "CloudServer", .grdb],
            swiftSettings: strict),
        .target(name: "CloudMachines", dependencies: ["CloudCore", .subprocess]),
        """)

    @Test("reads Package.swift")
    func manifest() {
        #expect(
            Self.manifest.dependencies == [
                "CloudCore": [], "CloudDatabase": ["CloudCore", "CloudServer", "GRDB"],
                "CloudMachines": ["CloudCore", "Subprocess"],
            ])
    }

    @Test("finds imports that go upwards, or that Package.swift does not name")
    func imports() {
        let rules = ImportRules(manifest: Self.manifest)
        let text =
            "import CloudCore\nimport GRDB\nimport CloudServer\n@testable import Logging\nimport struct Foundation.URL"
        let file = file(text, "Sources/CloudDatabase/A.swift")
        #expect(lines(rules.upward(file)) == [3])
        #expect(lines(rules.unnamed(file)) == [4])
        #expect(lines(rules.upward(self.file("import CloudTesting", "Sources/CloudCore/A.swift"))) == [1])
        #expect(lines(rules.upward(self.file("", "Sources/CloudNew/A.swift"))) == [0])
        #expect(rules.unnamed(self.file("import SystemPackage", "Sources/CloudMachines/A.swift")) == [])
        #expect(rules.upwardInManifest().map(\.message) == ["CloudDatabase must not know CloudServer"])
    }

    @Test("finds a folder that ARCHITECTURE.md does not explain")
    func architecture() {
        let files = [file(""), file("", "Sources/QMP/A.swift"), file("CloudControl does", "ARCHITECTURE.md")]
        let found = ArchitectureRules.unexplained(SourceTree(files: files, paths: []))
        #expect(found.map(\.message) == ["Sources/QMP is not explained"])
    }
}
