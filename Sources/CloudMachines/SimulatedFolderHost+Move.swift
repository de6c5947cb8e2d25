import CloudCore

/// Moves take one look at the disk, and then the machine has departed. What the process file says meanwhile: `departing`,
/// `departed`, `arriving`.
extension SimulatedFolderHost: MovingHost {
    public func moveCertificate() async throws -> String { SimulatedMove.certificate }

    public func departure(of machine: Machine) async throws -> Departure {
        try await pause()
        guard try present(machine.id) == .running else {
            throw SimulatedMove.cannotMove("it does not run on its host. Start it first.")
        }
        return SimulatedMove.departure(machine)
    }

    public func prepareArrival(
        _ machine: Machine, of image: Image, from departure: Departure, certificate: String
    ) async throws -> Arrival {
        try await pause()
        try SimulatedMove.check(departure, of: machine)
        let isArriving = try present(machine.id) == .arriving
        guard try isArriving || read(.disk, of: machine.id) == nil else {
            throw SimulatedMove.cannotMove("its destination has a disk of it already.")
        }
        // First of all, so that a kill leaves no disk that is taken for the owner's.
        try write(Self.arriving, .process, of: machine.id)
        try write("\(machine.storageGb)", .disk, of: machine.id)
        try write(machine.hostName, .seed, of: machine.id)
        return SimulatedMove.arrival
    }

    public func depart(
        _ machine: Machine, to arrival: Arrival, certificate: String
    ) async throws -> MoveStatus {
        try await pause()
        switch try read(.process, of: machine.id) {
        case Self.departed: return .switched
        case Self.departing:
            try write(Self.departed, .process, of: machine.id)
            return .switched
        case Self.running:
            try write(Self.departing, .process, of: machine.id)
            return SimulatedMove.copying(machine)
        default: return SimulatedMove.hasEnded
        }
    }

    public func finishArrival(_ id: Int64) async throws {
        try await pause()
        switch try present(id) {
        case .arriving: try write(Self.running, .process, of: id)
        case .running, .outOfSpace: break
        case .absent, .departed, .poweredOff:
            throw SimulatedMove.cannotMove("its machine has ended at its destination. Cancel the move.")
        }
    }

    public func finishDeparture(_ id: Int64) async throws {
        try await pause()
        guard try present(id) == .departed || read(.disk, of: id) == nil else {
            throw SimulatedMove.cannotMove("it is on this host still. Nothing was removed.")
        }
        try forget(id)
    }

    public func cancelArrival(_ id: Int64) async throws {
        try await pause()
        guard try present(id) == .arriving || read(.disk, of: id) == nil else {
            throw SimulatedMove.cannotMove("it has reached its destination.")
        }
        try forget(id)
    }

    public func cancelDeparture(_ id: Int64) async throws {
        try await pause()
        if try [Self.departing, Self.departed].contains(read(.process, of: id)) {
            try write(Self.running, .process, of: id)
        }
    }

    /// The process goes last: it says that the disk is nobody's.
    private func forget(_ id: Int64) throws {
        try remove(.disk, of: id)
        try remove(.process, of: id)
        try HostFiles.remove(folder(id))
    }
}
