import CloudCore

extension MachineHost {
    /// What differs from the network that these computes need, a line for each thing; empty: nothing. Those whose step
    /// may have done its work or not owe nothing: what differs with and without them is told alone.
    ///
    /// - Parameters:
    ///   - remotes: see `NetworkPlan.remotes`.
    ///   - spareTaps: see `NetworkPlan.spareTaps`.
    public func networkDrift(
        of places: [ComputePlace], remotes: [RemoteAttachment] = [], spareTaps: Set<Int64> = []
    ) async throws -> [String] {
        let most = try await networkDrift(
            from: NetworkPlan(places, remotes: remotes, spareTaps: spareTaps) { $0 != .mustNot })
        guard !most.isEmpty, places.contains(where: { $0.step.network == .may }) else { return most }
        let least = Set(
            try await networkDrift(
                from: NetworkPlan(places, remotes: remotes, spareTaps: spareTaps) { $0 == .must }))
        return most.filter(least.contains)
    }
}

extension NetworkPlan {
    /// The network of those computes of this host whose presence in it is as wanted.
    ///
    /// - Parameter remotes: computes of other hosts, at least those of the same teams; others are left out.
    public init(
        _ places: [ComputePlace], remotes: [RemoteAttachment] = [], spareTaps: Set<Int64> = [],
        where isIn: (Presence) -> Bool
    ) {
        let attachments = places.filter { isIn($0.step.network) }.map { NetworkAttachment($0) }
        let teams = Set(attachments.map(\.teamId))
        self.init(
            attachments: attachments, remotes: remotes.filter { teams.contains($0.teamId) },
            spareTaps: spareTaps)
    }
}

/// Lines of drift, to ask whether a machine is among those that they are about.
public struct NetworkDrift: Sendable {
    public var lines: [String]
    private var words: Set<Substring>

    public init(_ lines: [String]) {
        self.lines = lines
        words = Set(lines.flatMap { $0.split { " /,'\"".contains($0) } })
    }

    public var isEmpty: Bool { lines.isEmpty }

    /// Whether a line has the machine's tap or one of its addresses as a word.
    public func isAbout(_ attachment: NetworkAttachment) -> Bool {
        let tap = try? attachment.tapName()  // nil: no interface can have that name, so no line has it
        return [tap, attachment.privateIpv4.description, attachment.publicIpv4?.description].contains {
            $0.map { words.contains(Substring($0)) } ?? false
        }
    }
}
