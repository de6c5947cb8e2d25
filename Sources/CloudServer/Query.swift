import CloudCore
import Hummingbird
import HummingbirdCore

/// Reads the parameters of a query one by one and collects what is wrong with them. Those that nobody reads are
/// ignored, as unknown members of a body are, unless `dryRun` is what they mean.
struct Query {
    private let parameters: FlatDictionary<Substring, Substring>
    var problems: [Problem] = []

    init(_ request: Request) { parameters = request.uri.queryParameters }

    /// The parameter's value, `nil` without one. A problem when it is there twice.
    mutating func one(_ name: String) -> String? {
        let values = all(name)
        if values.count > 1 {
            problems.append(Problem(name, "is there \(values.count) times. Send it once."))
        }
        return values.first
    }

    /// The values of a parameter that can be repeated, in order.
    func all(_ name: String) -> [String] { parameters[values: Substring(name)].map(String.init) }

    /// A page of a list that knows cursors.
    mutating func page(of list: Cursor.List) -> Page {
        Page(page: one("page"), limit: one("limit"), cursor: one("cursor"), of: list, &problems)
    }

    mutating func computeFilter() -> ComputeFilter {
        ComputeFilter(
            state: one("state"), tags: all("tag"), region: one("region"), hostName: one("hostName"),
            &problems)
    }

    mutating func computeWait() -> ComputeWait? {
        ComputeWait(wait: one("wait"), timeout: one("timeout"), &problems)
    }

    mutating func snapshotFilter() -> SnapshotFilter {
        SnapshotFilter(computeId: one("computeId"), state: one("state"), &problems)
    }

    mutating func snapshotWait() -> SnapshotWait? {
        SnapshotWait(wait: one("wait"), timeout: one("timeout"), &problems)
    }

    /// Whether a create is to be checked and priced alone. A problem when the parameter is misspelt: what was meant as a
    /// question would make a machine that costs.
    mutating func dryRun() -> Bool {
        for name in parameters.map(\.key) where name != "dryRun" {
            let question = NearestName.question(String(name), among: ["dryRun"])
            if !question.isEmpty {
                problems.append(Problem("\(name)".shown, "is not a parameter.\(question)"))
            }
        }
        switch one("dryRun") {
        case nil, "false": return false
        case "true": return true
        case .some(let other):
            problems.append(Problem("dryRun", "'\(other.shown)' is neither true nor false."))
            return false
        }
    }

    /// Throws `BAD_REQUEST` with all problems so far.
    func check() throws(CloudError) {
        guard problems.isEmpty else { throw CloudError.parameters(problems) }
    }
}

extension Page {
    /// The page of a list without cursors that the query asks for.
    init(_ request: Request) throws(CloudError) {
        var query = Query(request)
        let (page, limit) = (query.one("page"), query.one("limit"))
        try query.check()
        try self.init(page: page, limit: limit)
    }
}
