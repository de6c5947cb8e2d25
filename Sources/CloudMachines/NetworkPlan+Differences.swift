import CloudCore

extension NetworkPlan {
    /// What differs in this plan, which is in force, from the one that is wanted: a line for each machine.
    func differences(from wanted: NetworkPlan) -> [String] {
        let present = Dictionary(grouping: attachments, by: \.computeId)
        let asked = Dictionary(grouping: wanted.attachments, by: \.computeId)
        return Set(present.keys).union(asked.keys).sorted().compactMap { id in
            switch (present[id], asked[id]) {
            case (let here?, let there?) where here == there: nil
            case (nil, _): "machine \(id) is not attached"
            case (_, nil): "machine \(id) is attached, and nothing asks for it"
            case (_, _): "machine \(id) is attached otherwise than asked for"
            }
        }
    }
}
