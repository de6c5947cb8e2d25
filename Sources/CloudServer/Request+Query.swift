import CloudCore
import Hummingbird

extension Request {
    /// The value of the query's parameter, percent-decoded; `nil` when it is not there. Throws `BAD_REQUEST` when it is
    /// there more than once: the server can't know which one is meant.
    func queryParameter(_ name: String) throws(CloudError) -> String? {
        let values = uri.queryParameters[values: Substring(name)]
        guard values.count > 1 else { return values.first.map(String.init) }
        let problem = "is given \(values.count) times. Send it once."
        throw CloudError(.badRequest, "\(name): \(problem)", problems: [Problem(name, problem)])
    }
}
