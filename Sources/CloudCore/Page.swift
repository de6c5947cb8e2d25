/// Which part of a list to answer (API reference, "Envelopes").
public struct Page: Sendable, Equatable {
    public static let defaultLimit = 20
    public static let maxLimit = 100
    public static let maxNumber = 1_000_000

    /// From 1 on.
    public var number: Int
    public var limit: Int

    /// Throws `BAD_REQUEST` with every parameter that is no whole number in its range. `nil` takes the default.
    public init(page: String?, limit: String?) throws(CloudError) {
        var problems: [Problem] = []
        number = Self.parse("page", page, default: 1, max: Self.maxNumber, &problems)
        self.limit = Self.parse("limit", limit, default: Self.defaultLimit, max: Self.maxLimit, &problems)
        guard problems.isEmpty else {
            throw CloudError(
                .badRequest, problems.map { "\($0.field): \($0.message)" }.joined(separator: " "),
                problems: problems)
        }
    }

    public var offset: Int { (number - 1) * limit }

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
