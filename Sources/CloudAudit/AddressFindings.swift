import CloudCore
import CloudDatabase

extension AuditSnapshot {
    /// What computes and teams hold of the cell's addresses and ports.
    func addressFindings(_ settings: AuditSettings) -> [AuditFinding] {
        heldTwice + computes.flatMap { $0.compute.rangeFindings(settings) }
            + computes.flatMap { $0.compute.holdingFindings(settings) } + rowFindings + teamFindings
    }

    private var rowFindings: [AuditFinding] {
        addressesAmiss.map {
            AuditFinding(
                .addressesNameTheirHolders, computeId: $0,
                "the rows of addresses don't say what compute \($0) holds: another may get the same, or nobody one that is "
                    + "free. Restore its rows from a backup.")
        }
    }

    private var heldTwice: [AuditFinding] {
        var holders: [String: [Int64]] = [:]
        for compute in computes.map(\.compute) {
            for thing in compute.held { holders[thing, default: []].append(compute.id) }
        }
        return holders.filter { $0.value.count > 1 }.sorted { $0.key < $1.key }.map { thing, ids in
            AuditFinding(
                .heldOnce, computeId: ids.last,
                "\(thing) is held by the computes \(ids.map(String.init).joined(separator: ", ")). Delete all of them "
                    + "but one.")
        }
    }

    private var teamFindings: [AuditFinding] {
        let present = teams.filter { !$0.isDeleted }.sorted { $0.network.base < $1.network.base }
        let overlaps = zip(present, present.dropFirst()).filter { $0.network.last >= $1.network.base }.map {
            AuditFinding(
                .teamsAreApart,
                "the networks of the teams \($0.id) and \($1.id), \($0.network) and \($1.network), overlap. Delete one "
                    + "of the two, with its computes.")
        }
        let deleted = teams.filter { $0.isDeleted && ($0.computes > 0 || $0.keys > 0) }.map {
            AuditFinding(
                .deletedTeamHoldsNothing,
                "the team \($0.id) is deleted, and has \($0.computes) computes and \($0.keys) keys that work. Restore "
                    + "the team from a backup, and delete them.")
        }
        return overlaps + deleted
    }
}

extension Compute {
    /// Whether all that it had is given back: DESTROYED, or FAILED and cleaned up.
    var isOver: Bool { job.action == .gone }

    /// Everything that nobody else may hold, by name.
    fileprivate var held: [String] {
        [
            privateIpv4.map { "the private address \($0)" },
            privateIpv4.map { "the Ethernet address \(MACAddress(privateIpv4: $0))" },
            publicIpv4.map { "the public address \($0)" }, sshPort.map { "the port \($0)" },
        ].compactMap(\.self)
    }

    fileprivate func rangeFindings(_ settings: AuditSettings) -> [AuditFinding] {
        guard state != .destroyed, !isOver else { return [] }
        var outside: [String] = []
        if !settings.privateRange.contains(network) {
            outside.append(
                "its team's network \(network) is no part of the private range \(settings.privateRange)")
        }
        if let privateIpv4,
            !network.contains(privateIpv4) || privateIpv4 <= network.gateway || privateIpv4 == network.last
        {
            outside.append(
                "its address \(privateIpv4) is no guest's address in its team's network \(network)")
        }
        if let publicIpv4, !settings.publicPool.contains(where: { $0.contains(publicIpv4) }) {
            outside.append("its public address \(publicIpv4) is not in the public pool")
        }
        if let sshPort, settings.sshPorts?.contains(sshPort) != true {
            outside.append("its port \(sshPort) is not among the sshPorts")
        }
        return outside.map {
            AuditFinding(
                .heldInRange, computeId: id,
                "compute \(id): \($0). Put the setting back to what it was, or delete the compute.")
        }
    }

    fileprivate func holdingFindings(_ settings: AuditSettings) -> [AuditFinding] {
        if state == .destroyed || isOver {
            return held.isEmpty
                ? []
                : [
                    AuditFinding(
                        .goneHoldsNothing, computeId: id,
                        "compute \(id) is \(state.rawValue) and over, and still holds "
                            + "\(held.joined(separator: ", ")). Take them from its row.")
                ]
        }
        // A create that failed has given all back before anybody deletes what is left of it.
        if state == .destroying, failure != nil { return [] }
        var missing: [String] = []
        if privateIpv4 == nil { missing.append("private address") }
        if settings.sshPorts != nil, sshPort == nil { missing.append("port for SSH") }
        guard !missing.isEmpty else { return [] }
        return [
            AuditFinding(
                .holdsItsAddress, computeId: id,
                "compute \(id) is \(state.rawValue) and has no \(missing.joined(separator: " and no ")). Delete it, or "
                    + "restore its row from a backup.")
        ]
    }
}
