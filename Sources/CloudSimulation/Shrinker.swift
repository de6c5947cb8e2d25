/// Finds a smaller history that breaks the same promise: greedily takes out one part after the other for as long as it
/// still does.
public struct Shrinker: Sendable {
    /// Histories that are tried for one finding.
    static let maxTries = 400

    private let simulation: Simulation

    public init(_ simulation: Simulation) { self.simulation = simulation }

    /// The smallest history that was found to break `invariant`, beginning with `history`, which does.
    public func shrink(_ history: History, breaking invariant: String) throws -> History {
        var smallest = history
        var tries = 0
        var shrinks = true
        while shrinks, tries < Self.maxTries {
            shrinks = false
            for candidate in smallest.smaller {
                tries += 1
                guard tries < Self.maxTries else { break }
                if try simulation.run(candidate).findings.contains(where: { $0.invariant == invariant }) {
                    smallest = candidate
                    shrinks = true
                    break
                }
            }
        }
        return smallest
    }
}

extension History {
    /// Every history with one part less, and with a simpler cloud.
    var smaller: [History] {
        var all: [History] = []
        for index in scripts.indices where scripts.count > 1 {
            // The clients behind keep their teams.
            all.append(with { $0.scripts[index] = [] })
        }
        for index in faults.indices { all.append(with { $0.faults.remove(at: index) }) }
        for (client, script) in scripts.enumerated() {
            for index in script.indices { all.append(with { $0.scripts[client].remove(at: index) }) }
        }
        if shape.programs > 1 { all.append(with { $0.shape.programs -= 1 }) }
        if shape.isBilled { all.append(with { $0.shape.isBilled = false }) }
        if shape.isPacked { all.append(with { $0.shape.isPacked = false }) }
        if shape.maxLateMs > 0 { all.append(with { $0.shape.maxLateMs = 0 }) }
        return all.filter { $0 != self }
    }

    private func with(_ change: (inout History) -> Void) -> History {
        var copy = self
        change(&copy)
        return copy
    }

    /// The history in words, one line for each part.
    public var text: String {
        var lines = [
            "seed \(seed): \(shape.programs) programs, \(shape.publicAddresses) public addresses, \(shape.vcpus) vCPUs, "
                + "\(shape.isPacked ? "packed" : "spread"), \(shape.isBilled ? "billed" : "not billed"), sleepers up to \(shape.maxLateMs) ms late"
        ]
        for (client, script) in scripts.enumerated() {
            lines += script.map { "client \(client): after \($0.afterMs) ms \($0.kind)" }
        }
        return (lines + faults.map { "fault: \($0)" }).joined(separator: "\n")
    }
}
