import CloudCore

extension QEMUHost {
    /// Guests run without control groups where there can be none; the text says why.
    static func guestGroups(
        _ settings: Settings, _ accelerator: Accelerator
    ) throws -> (groups: GuestGroups?, problem: String?) {
        guard settings.guestGroups else { return (nil, nil) }
        let ownGroup = MachineFiles.text("/proc/self/cgroup", limit: 64 << 10) ?? ""
        do {
            return (try GuestGroups(ownGroup: ownGroup, accelerator: accelerator), nil)
        } catch {
            return (nil, error.detail ?? error.message)
        }
    }

    /// Makes the machine's control group and returns its folder; `nil`: guests have none on this host.
    func group(_ machineId: Int64, _ machine: Machine) throws -> String? {
        try groups?.make(
            GuestGroup(machineId: machineId, vcpus: machine.vcpus, memoryMb: machine.memoryMb))
    }
}
