import CloudWire

/// The lines that show the work on a resource while it is waited for. Values in, text out; the caller writes it.
///
/// On a terminal the last line is live: it is written over at each look, and stays when the next step begins.
/// Elsewhere there is one plain line for each change.
struct OutputProgress {
    /// Whether the text goes to a terminal.
    let isTerminal: Bool
    /// Width of the terminal; the live line is never longer, since it could not be written over then.
    let columns: Int
    private var stage: Stage?
    private var stageStart: Duration = .zero

    /// What is going on.
    private struct Stage: Equatable {
        var step: String
        var note: String?
    }

    init(isTerminal: Bool, columns: Int) {
        self.isTerminal = isTerminal
        self.columns = max(20, columns)
    }

    /// The text for a look at the resource, `elapsed` after the first one.
    mutating func show(_ resource: (some LiveResourceWire)?, elapsed: Duration) -> String {
        let new = Stage(
            step: resource.map { $0.task?.step ?? $0.state } ?? "gone", note: resource?.task?.note)
        let old = stage
        stage = new
        guard isTerminal else { return new == old ? "" : plainLine(new, elapsed: elapsed) }
        var text = ""
        if let old, old.step != new.step { text = closingLine(old, elapsed: elapsed) }
        if old?.step != new.step { stageStart = elapsed }
        return text + "\r\u{1B}[2K" + liveLine(new, elapsed: elapsed - stageStart)
    }

    /// The text that ends the live line, so that others can follow.
    mutating func finish() -> String {
        defer { stage = nil }
        return isTerminal && stage != nil ? "\r\u{1B}[2K" : ""
    }

    private func liveLine(_ stage: Stage, elapsed: Duration) -> String {
        let note = stage.note.map { "  " + $0 } ?? ""
        let line = "· \(Self.padded(stage.step, 12))\(OutputText.duration(elapsed))\(note)"
        return String(OutputText.clean(line).prefix(columns - 1))
    }

    /// The step as it stays on the screen, with the time that it took.
    private func closingLine(_ stage: Stage, elapsed: Duration) -> String {
        let line = "✓ \(Self.padded(stage.step, 12))\(OutputText.duration(elapsed - stageStart))"
        return "\r\u{1B}[2K" + OutputText.clean(line) + "\n"
    }

    private func plainLine(_ stage: Stage, elapsed: Duration) -> String {
        let note = stage.note.map { "  " + $0 } ?? ""
        let line = "\(Self.padded(OutputText.duration(elapsed), 12))\(stage.step)\(note)"
        return OutputText.clean(line) + "\n"
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
