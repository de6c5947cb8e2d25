import Testing

/// The rules of CONTRIBUTING.md that a tool can hold, over the whole tree.
@Suite("The tree")
struct TidyTests {
    /// Read once for all tests.
    private static let project = Result { try SourceTree.project() }

    private let tree: SourceTree

    init() throws { tree = try Self.project.get() }

    private func expectNone(_ violations: [Violation], _ location: SourceLocation = #_sourceLocation) {
        for violation in violations { Issue.record("\(violation)", sourceLocation: location) }
    }

    private func expectNone(
        _ rule: (SourceFile) -> [Violation], _ location: SourceLocation = #_sourceLocation
    ) {
        expectNone(tree.files.flatMap(rule), location)
    }

    @Test("was read")
    func wasRead() {
        #expect(tree.file("Package.swift") != nil)
        #expect(tree.files.count > 50)
    }

    @Test("has no forbidden words") func forbiddenWords() { expectNone(CodeRules.forbiddenWords) }
    @Test("drops no error without a reason") func silentTry() { expectNone(CodeRules.silentTry) }
    @Test("has no empty catch") func emptyCatch() { expectNone(CodeRules.emptyCatch) }
    @Test("says why what is unchecked is safe") func unchecked() { expectNone(CodeRules.uncheckedSendable) }
    @Test("runs no shell") func shell() { expectNone(CodeRules.shell) }
    @Test("has no long Swift files") func length() { expectNone(CodeRules.length) }
    @Test("has no white space at the end of lines") func whitespace() {
        expectNone(TextRules.trailingWhitespace)
    }
    @Test("has nothing unfinished") func unfinished() { expectNone(TextRules.unfinished) }
    @Test("knows nobody's machine") func personalPaths() { expectNone(TextRules.personalPaths) }
    @Test("has short decisions") func decisions() { expectNone(TextRules.decisionLength) }
    @Test("has no dead links") func links() { expectNone(LinkRules.deadLinks(tree)) }
    @Test("is explained in ARCHITECTURE.md") func architecture() {
        expectNone(ArchitectureRules.unexplained(tree))
    }

    @Test("imports downwards, and only what Package.swift names")
    func imports() throws {
        let rules = ImportRules(manifest: PackageManifest(try #require(tree.file("Package.swift")).text))
        expectNone(rules.upward)
        expectNone(rules.unnamed)
        expectNone(rules.upwardInManifest())
    }
}
