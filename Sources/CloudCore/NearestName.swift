/// Finds what somebody meant who misspelt a name.
public enum NearestName {
    /// Edits at most between a name and what was meant: one for every three characters, and never fewer than these.
    private static let minEdits = 2
    private static let charactersPerEdit = 3
    /// Characters at most of a name that is compared, since the time grows with the square of it.
    private static let maxLength = 100

    /// The known name that is nearest to the given one, or `nil` when none is near. Case, hyphens and underscores don't count.
    public static func of(_ name: String, among known: some Sequence<String>) -> String? {
        let given = plain(name)
        guard !given.isEmpty, given.count <= maxLength else { return nil }
        let nearest = known.map { (name: $0, edits: edits(given, plain($0))) }.min { $0.edits < $1.edits }
        guard let nearest, nearest.edits <= max(minEdits, given.count / charactersPerEdit),
            nearest.edits < given.count
        else { return nil }
        return nearest.name
    }

    /// " Did you mean X?", or nothing when no known name is near.
    public static func question(_ name: String, among known: some Sequence<String>) -> String {
        of(name, among: known).map { " Did you mean \($0)?" } ?? ""
    }

    private static func plain(_ name: String) -> [Character] {
        name.lowercased().filter { $0 != "-" && $0 != "_" }
    }

    /// How many characters must be inserted, deleted, replaced or swapped with their neighbour to make one of the other
    /// (optimal string alignment).
    package static func edits(_ one: [Character], _ other: [Character]) -> Int {
        var (before, last) = ([Int](), Array(0...other.count))
        for (row, character) in one.enumerated() {
            var line = [row + 1]
            for (column, counterpart) in other.enumerated() {
                let replaced = last[column] + (character == counterpart ? 0 : 1)
                var least = min(replaced, last[column + 1] + 1, line[column] + 1)
                if row > 0, column > 0, character == other[column - 1], one[row - 1] == counterpart {
                    least = min(least, before[column - 1] + 1)
                }
                line.append(least)
            }
            (before, last) = (last, line)
        }
        return last[other.count]
    }
}
