/// A table for people: columns as wide as their widest cell, two spaces apart.
struct OutputTable {
    var header: [String]
    /// Each with as many cells as the header.
    var rows: [[String]]

    /// The lines of the table, without spaces at their ends.
    var text: String {
        let lines = ([header] + rows).map { $0.map(OutputText.clean) }
        let widths = header.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { Self.line($0, widths: widths) }.joined(separator: "\n")
    }

    private static func line(_ cells: [String], widths: [Int]) -> String {
        var line = ""
        for (cell, width) in zip(cells, widths) {
            line += cell + String(repeating: " ", count: width - cell.count + 2)
        }
        while line.hasSuffix(" ") { line.removeLast() }
        return line
    }
}
