/// A program that works on files that it gets open: what was looked at through them is what it reads and writes.
struct HandedProgram: Sendable {
    var program: String
    var arguments: [String]
    /// What it has as 3 and on.
    var files: [OpenFile]

    /// Why it failed, in its own words.
    struct Fault: Error, CustomStringConvertible { var description: String }

    private static let pollInterval = Duration.milliseconds(20)

    init(_ program: String, _ arguments: [String], files: [OpenFile]) {
        self.program = program
        self.arguments = arguments
        self.files = files
    }

    /// Runs it to its end and returns what it printed, at most 64 KiB. Throws `Fault`; whoever is cancelled ends it.
    @discardableResult
    func run(within limit: Duration) async throws -> String {
        let (output, errors) = (try OpenFile.pipe(), try OpenFile.pipe())
        let child = try ChildProcess(
            program, arguments, files: [try OpenFile.null(), output.writer, errors.writer] + files)
        let succeeds = try await child.succeeds(within: limit, lookingEvery: Self.pollInterval)
        guard succeeds == true else {
            throw Fault(
                description: succeeds == nil
                    ? "\(program) did not end within \(limit)"
                    : Self.firstLine(errors.reader.available()) ?? "\(program) did not say why")
        }
        return String(decoding: output.reader.available(), as: UTF8.self)
    }

    static func firstLine(_ bytes: [UInt8]) -> String? {
        String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).first.map(String.init)
    }
}
