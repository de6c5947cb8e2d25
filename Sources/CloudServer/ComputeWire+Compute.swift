import CloudCore
import CloudWire

extension ComputeWire {
    /// A compute as the public API shows it.
    /// - Parameter costMilliRwf: what it has cost so far; `nil` where nothing is billed.
    init(_ compute: Compute, costMilliRwf: Int64?) {
        self.init(
            id: String(compute.id), hostName: compute.hostName, state: compute.state.rawValue,
            image: compute.image,
            specification: compute.specification, region: compute.region,
            ipv4: compute.publicIpv4?.description,
            // In user mode every guest sits in a network of its own, so the address in the table leads nowhere.
            privateIpv4: compute.sshPort == nil ? compute.privateIpv4?.description : nil,
            sshEndpoint: compute.sshPort.map { "127.0.0.1:\($0)" }, tags: compute.tags,
            deletionProtection: compute.deletionProtection,
            createdAt: Timestamp.text(compute.createdAtMs), updatedAt: Timestamp.text(compute.updatedAtMs),
            task: TaskWire(compute.job),
            failure: compute.failure.map { FailureWire(code: $0.code.rawValue, message: $0.message) },
            cost: costMilliRwf.map(Money.text))
    }
}

extension TaskWire {
    /// `nil` when nothing is being done.
    fileprivate init?(_ job: Job<ComputeAction>) {
        guard !job.action.rests else { return nil }
        self.init(job, action: job.action.isAsked ? job.action.rawValue : nil)
    }
}
