import CloudClient
import CloudWire

/// The slugs of a create: what is taken where none is given, and what is proposed where one does not exist.
enum ComputeCreateSlugs {
    /// A member of a create that names something which the server has several of.
    enum Field: String, CaseIterable {
        case image, region, specification

        /// All that there are. For an image, those that a compute can be made of now.
        func names(_ client: StrettchClient) async throws -> [String] {
            switch self {
            case .image: try await client.images().data.filter(\.isReady).map(\.image)
            case .region: try await client.regions().data.map(\.region)
            case .specification: try await client.allSpecifications().map(\.specification)
            }
        }
    }

    /// The slug, or where none is given the only one that there is. Throws `CommandFailure` with all of them when there are
    /// several, or none.
    static func chosen(_ slug: String?, _ field: Field, _ client: StrettchClient) async throws -> String {
        if let slug { return slug }
        return try only(of: try await field.names(client), field)
    }

    static func only(of names: [String], _ field: Field) throws -> String {
        guard let first = names.first else {
            throw CommandFailure(.notFound, "The server has no \(field.rawValue). Ask its operator.")
        }
        guard names.count == 1 else {
            throw CommandFailure(
                .usage,
                "There are \(names.count) \(field.rawValue)s: \(names.joined(separator: ", ")). Choose one with "
                    + "--\(field.rawValue).")
        }
        return first
    }

    /// The error, which says of each slug that does not exist which ones do, the nearest first. What can't be asked for is
    /// left as the server said it.
    static func explained(
        _ error: ClientError, _ slugs: [Field: String], _ client: StrettchClient
    ) async -> ClientError {
        guard error.kind == .refused, error.status == 404 else { return error }
        var explained = error
        for index in error.problems.indices {
            guard let field = Field(rawValue: error.problems[index].field), let slug = slugs[field],
                let names = try? await field.names(client)  // the server's own words stay
            else { continue }
            explained.problems[index].message = unknown(slug, of: names)
        }
        guard explained != error else { return error }
        explained.message = explained.problems.map { "\($0.field): \($0.message)" }.joined(separator: " ")
        explained.problems = []
        return explained
    }

    static func unknown(_ slug: String, of names: [String]) -> String {
        let (sorted, best) = (nearest(to: slug, of: names), names.map { distance(slug, $0) }.min() ?? 0)
        let guess = best <= max(2, slug.count / 3) ? sorted.first.map { " Did you mean '\($0)'?" } ?? "" : ""
        return "'\(slug)' does not exist.\(guess) There are: \(sorted.joined(separator: ", "))."
    }

    /// The names, those first that take the fewest changes of a letter; those that take as many stay in their order.
    static func nearest(to slug: String, of names: [String]) -> [String] {
        names.enumerated().map { (distance(slug, $1), $0, $1) }.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(
            \.2)
    }

    /// How many letters to insert, remove or replace to make one of the other (Levenshtein), whatever their case.
    static func distance(_ one: String, _ other: String) -> Int {
        let one = Array(one.lowercased().prefix(longest))
        let other = Array(other.lowercased().prefix(longest))
        var row = Array(0...other.count)
        for (i, letter) in one.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, wanted) in other.enumerated() {
                let replaced = diagonal + (letter == wanted ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
            }
        }
        return row[other.count]
    }

    /// Letters that are looked at: those of the longest slug.
    private static let longest = 64
}
