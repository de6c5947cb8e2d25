import CloudCore

extension NetworkPlan {
    /// What differs in this plan, which is in force, from the one that is wanted: a line for each machine, which names
    /// its tap, and for each teammate elsewhere. Throws `.bug` for an id that no tap can have.
    func differences(from wanted: NetworkPlan) throws -> [String] {
        let present = Dictionary(grouping: attachments, by: \.computeId)
        let asked = Dictionary(grouping: wanted.attachments, by: \.computeId)
        let (known, needed) = (Set(remotes), Set(wanted.remotes))
        let teammates =
            known.subtracting(needed).map { "\($0.place) is known, and nothing asks for it" }
            + needed.subtracting(known).map { "\($0.place) is not known" }
        let taps = try Set(present.keys).union(asked.keys).sorted().compactMap { id -> String? in
            let tap = try NetworkNames(prefix: NetworkSettings.defaultNamePrefix).tap(computeId: id)
            return switch (present[id], asked[id]) {
            case (let here?, let there?) where here == there: nil
            case (nil, _): "the tap \(tap) is not there"
            case (_, nil): "the tap \(tap) is there, and nothing asks for it"
            case (_, _): "the tap \(tap) is not as it should be"
            }
        }
        let spares = try spareTaps.symmetricDifference(wanted.spareTaps).sorted().map { id in
            let tap = try NetworkNames(prefix: NetworkSettings.defaultNamePrefix).tap(computeId: id)
            return spareTaps.contains(id)
                ? "the spare tap \(tap) is there, and nothing asks for it"
                : "the spare tap \(tap) is not there"
        }
        return taps + spares + teammates.sorted()
    }
}

extension RemoteAttachment {
    fileprivate var place: String { "the teammate \(privateIpv4) on \(underlay)" }
}
