import CloudCore
import CloudMachines

extension Machine {
    /// The machine that the compute stands for. Throws a bug when the compute holds no address.
    init(_ compute: Compute) throws {
        guard let attachment = NetworkAttachment(compute) else {
            throw CloudError.bug(
                "compute \(compute.id) has no address at step \(compute.job.step.rawValue)")
        }
        self.init(
            id: compute.id, hostName: compute.hostName, vcpus: compute.vcpus,
            memoryMb: compute.memoryMb, storageGb: compute.storageGb, publicKeys: compute.publicKeys,
            userData: compute.userData, attachment: attachment, createdAtMs: compute.createdAtMs)
    }
}
