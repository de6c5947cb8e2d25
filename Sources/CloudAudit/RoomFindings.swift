import CloudCore
import CloudDatabase

extension AuditSnapshot {
    /// What is given out of each host, and whether each compute has its host.
    var roomFindings: [AuditFinding] {
        hosts.flatMap { $0.findings }
            + misplaced.map {
                AuditFinding(
                    .hostCountsItsComputes, computeId: $0,
                    "compute \($0) is on no host, its job is another host's, or it is not where its move says. Restore its "
                        + "rows from a backup."
                )
            }
    }
}

extension AuditedHost {
    fileprivate var findings: [AuditFinding] {
        var findings: [AuditFinding] = []
        if host.taken != held {
            findings.append(
                AuditFinding(
                    .hostCountsItsComputes,
                    "the host \(host.name) counts \(host.taken.words), and its computes hold \(held.words). Stop the "
                        + "server, and set the counters of its row in hosts to the latter."))
        }
        let shortages = host.capacity.shortages(of: Resources(), taken: held)
        if !shortages.isEmpty {
            findings.append(
                AuditFinding(
                    .capacityIsKept,
                    "the host \(host.name) has given out \(held.words), and has \(host.capacity.words). Raise the "
                        + "overcommit, or delete computes."))
        }
        return findings
    }
}

extension Resources {
    fileprivate var words: String { "\(vcpus) vCPUs, \(memoryMb) MB of RAM and \(storageGb) GB of disk" }
}

extension Capacity {
    fileprivate var words: String {
        let words = [
            vcpus.map { "\($0) vCPUs" }, memoryMb.map { "\($0) MB of RAM" },
            storageGb.map { "\($0) GB of disk" },
        ].compactMap(\.self)
        return words.joined(separator: ", ")
    }
}
