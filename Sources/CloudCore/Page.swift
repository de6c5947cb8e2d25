/// Which part of a list to answer (API reference, "Envelopes"; cursors are ours).
public struct Page: Sendable, Equatable {
    public static let defaultLimit = 20
    public static let maxLimit = 100
    public static let maxNumber = 1_000_000

    /// From 1 on.
    public var number: Int
    public var limit: Int
    /// Where to go on, in place of a number.
    public var cursor: Cursor?

    /// Throws `BAD_REQUEST` with every parameter that is no whole number in its range. `nil` takes the default.
    public init(page: String?, limit: String?) throws(CloudError) {
        var problems: [Problem] = []
        self.init(page: page, limit: limit, &problems)
        guard problems.isEmpty else { throw CloudError.parameters(problems) }
    }

    /// Adds to `problems` what is wrong: a number out of its range, a cursor that is none of `list`, or both a page and
    /// a cursor. `nil` takes the default.
    public init(
        page: String?, limit: String?, cursor: String?, of list: Cursor.List, _ problems: inout [Problem]
    ) {
        self.init(page: page, limit: limit, &problems)
        guard let cursor else { return }
        self.cursor = Cursor(cursor, of: list)
        if self.cursor == nil {
            problems.append(
                Problem("cursor", "'\(cursor.shown)' is no cursor of this list. Send a nextCursor of it."))
        } else if page != nil {
            problems.append(Problem("cursor", "can't be sent together with page. Send one of them."))
        }
    }

    private init(page: String?, limit: String?, _ problems: inout [Problem]) {
        number = Self.parse("page", page, default: 1, max: Self.maxNumber, &problems)
        self.limit = Self.parse("limit", limit, default: Self.defaultLimit, max: Self.maxLimit, &problems)
    }

    public var offset: Int { cursor == nil ? (number - 1) * limit : 0 }

    /// Only items with a smaller id are asked for.
    public var before: Int64 { cursor?.before ?? .max }

    /// The part of `list` that is on this page.
    public func slice<T>(_ list: [T]) -> [T] { Array(list.dropFirst(offset).prefix(limit)) }

    private static func parse(
        _ name: String, _ text: String?, default value: Int, max: Int, _ problems: inout [Problem]
    ) -> Int {
        guard let text else { return value }
        // Digits alone: Int("+5") would read a sign.
        if !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(text),
            (1...max).contains(number)
        {
            return number
        }
        problems.append(Problem(name, "'\(text.shown)' is no whole number of 1 to \(max)."))
        return value
    }
}

/// What is on one page of a list.
public struct PageItems<Item: Sendable>: Sendable {
    public var items: [Item]
    /// All that the list has; `nil` on a page by cursor, which is not to cost a look at all of them.
    public var total: Int?
    /// Where the next page begins; `nil` on the last one.
    public var next: Cursor?

    /// - Parameter rows: what fits on the page, newest first, and one more where there is more.
    public init(_ rows: [Item], _ page: Page, of list: Cursor.List, total: Int?, id: (Item) -> Int64) {
        items = Array(rows.prefix(page.limit))
        self.total = total
        if rows.count > page.limit, let last = items.last { next = Cursor(list, before: id(last)) }
    }
}
