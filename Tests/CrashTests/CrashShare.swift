import CloudTesting
import Foundation

/// Which faults are made in which script: each kind at each visit of each point (`make deep`), or, in the minutes that CI has,
/// each kind in three of the scripts that pass the point, at one of its visits there.
enum CrashShare {
    static let isWhole = ProcessInfo.processInfo.environment["STRETTCH_TEST_DEEP"] != nil
    /// Scripts in which a kind of fault is made at a point.
    private static let scriptsOfKind = 3

    /// - Parameter visits: those of each script that runs undisturbed, by the scripts' names.
    static func faults(of visits: [(script: String, visits: [Visit])]) -> [String: [CrashFault]] {
        var passes: [CrashPoint: [(script: String, visits: [Visit])]] = [:]
        for (script, visits) in visits {
            for (point, visits) in Dictionary(grouping: visits, by: \.point)
            where Engine.standard == .sqlite || point.isTransaction {
                passes[point, default: []].append((script, visits))
            }
        }
        var faults: [String: [CrashFault]] = [:]
        for passes in passes.values {
            for (number, kind) in FaultKind.allCases.enumerated() {
                for (script, visits) in isWhole ? passes : share(of: passes, number) {
                    faults[script, default: []] += visits.map { CrashFault(visit: $0, kind: kind) }
                }
            }
        }
        return faults
    }

    /// Scripts far from each other in the list, and others for each kind of fault; one visit in each.
    private static func share(
        of passes: [(script: String, visits: [Visit])], _ kind: Int
    ) -> [(script: String, visits: [Visit])] {
        let kinds = FaultKind.allCases.count
        let places = Set(
            (0..<scriptsOfKind).map { ($0 * kinds + kind) * passes.count / (scriptsOfKind * kinds) })
        return places.map { (passes[$0].script, [passes[$0].visits[kind % passes[$0].visits.count]]) }
    }
}

extension CrashPoint {
    /// All others are the host's, which is the same whatever the database runs on.
    fileprivate var isTransaction: Bool {
        switch self {
        case .write: true
        case .call, .effect: false
        }
    }
}
