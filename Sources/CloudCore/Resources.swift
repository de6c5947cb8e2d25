/// What a compute takes of its host.
public struct Resources: Sendable, Equatable {
    public var vcpus: Int
    public var memoryMb: Int
    public var storageGb: Int

    public init(vcpus: Int = 0, memoryMb: Int = 0, storageGb: Int = 0) {
        self.vcpus = vcpus
        self.memoryMb = memoryMb
        self.storageGb = storageGb
    }

    public static func + (left: Resources, right: Resources) -> Resources {
        Resources(
            vcpus: left.vcpus + right.vcpus, memoryMb: left.memoryMb + right.memoryMb,
            storageGb: left.storageGb + right.storageGb)
    }

    public static func - (left: Resources, right: Resources) -> Resources {
        Resources(
            vcpus: left.vcpus - right.vcpus, memoryMb: left.memoryMb - right.memoryMb,
            storageGb: left.storageGb - right.storageGb)
    }
}

extension Specification {
    public var resources: Resources { Resources(vcpus: vcpus, memoryMb: memoryMb, storageGb: storageGb) }
}

extension Compute {
    public var resources: Resources { Resources(vcpus: vcpus, memoryMb: memoryMb, storageGb: storageGb) }
}
