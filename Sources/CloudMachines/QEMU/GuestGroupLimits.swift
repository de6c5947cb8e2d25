/// What a guest's control group allows its QEMU: a function of what the guest was sold and of what QEMU takes besides.
struct GuestGroupLimits: Sendable, Equatable {
    /// Of the processor and of the disks, in relation to the other guests' when they compete: 100 for each vCPU.
    var weight: Int
    /// Bytes; QEMU is killed when it needs more and nothing of it can be given back.
    var memoryBytes: Int64
    /// Processes and threads.
    var tasks: Int

    /// What the kernel takes as a weight (cgroup-v2.rst).
    static let weights = 1...10_000
    /// Megabytes of QEMU itself: its program, devices and buffers.
    static let overheadMb = 512
    /// QEMU's tables of the guest's memory take a part of it: one in so many.
    static let tableShare = 16
    /// What there is besides the threads of vCPUs: QEMU's, at most 64 for the disks and a few of its own, and the few
    /// processes of `MachineOutput`.
    static let overheadTasks = 128

    init(vcpus: Int, memoryMb: Int, _ accelerator: Accelerator) {
        weight = min(max(100 * vcpus, Self.weights.lowerBound), Self.weights.upperBound)
        let translationMb = accelerator == .tcg ? QEMUArguments.translationCacheMb : 0
        let megabytes = memoryMb + memoryMb / Self.tableShare + Self.overheadMb + translationMb
        memoryBytes = Int64(megabytes) << 20
        tasks = Self.overheadTasks + vcpus
    }

    /// The controllers' files and what they shall say. A host whose disks have no scheduler with weights lacks `io.weight`.
    var files: [(name: String, text: String, isRequired: Bool)] {
        [
            ("cpu.weight", "\(weight)", true), ("memory.max", "\(memoryBytes)", true),
            ("pids.max", "\(tasks)", true), ("io.weight", "default \(weight)", false),
        ]
    }
}
