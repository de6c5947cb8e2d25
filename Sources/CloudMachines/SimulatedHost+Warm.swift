import CloudCore

extension SimulatedHost: WarmingHost {
    public func warmKind(_ image: Image, _ specification: Specification) -> String? {
        guard self.image(image) == .ready else { return nil }
        return Self.kind(image, specification.vcpus, specification.memoryMb, specification.storageGb)
    }

    public func warmGuests() -> [WarmGuest] { warmed.values.sorted { $0.number < $1.number } }

    public func warm(_ image: Image, _ specification: Specification) -> Int64 {
        lastWarm += 1
        warmed[lastWarm] = WarmGuest(
            number: lastWarm,
            kind: Self.kind(image, specification.vcpus, specification.memoryMb, specification.storageGb),
            state: .booting, startedAtMs: warmStartMs)
        return lastWarm
    }

    public func discardWarm(_ number: Int64) { warmed[number] = nil }

    /// When guests are booted ahead from now on, in milliseconds since 1970.
    public func set(warmStartMs: Int64) { self.warmStartMs = warmStartMs }

    /// Lets what happens to a guest that is booted ahead happen.
    public func set(_ state: WarmGuest.State, ofWarm number: Int64) { warmed[number]?.state = state }

    func takeWarm(for machine: Machine, _ image: Image) {
        let kind = Self.kind(image, machine.vcpus, machine.memoryMb, machine.storageGb)
        guard let guest = warmGuests().first(where: { $0.kind == kind && $0.state == .ready }) else { return }
        warmed[guest.number] = nil
    }

    private static func kind(_ image: Image, _ vcpus: Int, _ memoryMb: Int, _ storageGb: Int) -> String {
        "\(image.key) \(vcpus) \(memoryMb) \(storageGb)"
    }
}
