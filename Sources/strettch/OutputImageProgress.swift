import CloudMachines

/// The lines that show the work on an image. Values in, text out; the caller writes it.
///
/// On a terminal one live line with a bar; elsewhere a plain line for each new kind of work and each tenth of it.
struct OutputImageProgress {
    private static let barColumns = 24
    private static let minimumInterval = Duration.milliseconds(100)

    let isTerminal: Bool
    /// Width of the terminal; the live line is never longer, since it could not be written over then.
    let columns: Int
    private var last: (kind: Substring, tenth: Int)?
    private var lastShown: Duration?

    init(isTerminal: Bool, columns: Int) {
        self.isTerminal = isTerminal
        self.columns = max(20, columns)
    }

    /// The text for a report, `elapsed` after the start; empty when there is nothing new to show.
    mutating func show(_ progress: ImageProgress, elapsed: Duration) -> String {
        // "downloading, 120 of 600 MB" is of the kind "downloading".
        let kind = progress.text.prefix { $0 != "," }
        let tenth = Int((progress.fraction ?? 0) * 10)
        let isNew = last.map { $0.kind != kind || $0.tenth != tenth } ?? true
        guard isTerminal else {
            if isNew { last = (kind, tenth) }
            return isNew ? OutputText.clean(progress.text) + "\n" : ""
        }
        if !isNew, let lastShown, elapsed - lastShown < Self.minimumInterval { return "" }
        last = (kind, tenth)
        lastShown = elapsed
        return "\r\u{1B}[2K" + line(progress, elapsed: elapsed)
    }

    /// The text that takes the live line away.
    mutating func finish() -> String {
        defer { last = nil }
        return isTerminal && last != nil ? "\r\u{1B}[2K" : ""
    }

    private func line(_ progress: ImageProgress, elapsed: Duration) -> String {
        var text = "\(OutputText.duration(elapsed))  \(progress.text)"
        if let fraction = progress.fraction {
            let full = Int(fraction * Double(Self.barColumns))
            let bar =
                String(repeating: "█", count: full) + String(repeating: "░", count: Self.barColumns - full)
            text = "\(bar) \(Int(fraction * 100))%  \(text)"
        }
        return String(OutputText.clean(text).prefix(columns - 1))
    }
}
