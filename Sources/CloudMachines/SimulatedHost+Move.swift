import CloudCore

/// Moves take one look at the disk, and then the machine has departed.
extension SimulatedHost: MovingHost {
    /// Where a machine's move is, seen from this host.
    enum Moving: Sendable { case arriving, departing, departed }

    public func moveCertificate() -> String { SimulatedMove.certificate }

    public func departure(of machine: Machine) throws -> Departure {
        guard try status(machine.id) == .running else {
            throw SimulatedMove.cannotMove("it does not run on its host. Start it first.")
        }
        return SimulatedMove.departure(machine)
    }

    public func prepareArrival(
        _ machine: Machine, of image: Image, from departure: Departure, certificate: String
    ) throws -> Arrival {
        try SimulatedMove.check(departure, of: machine)
        guard moving[machine.id] == .arriving || diskSizes[machine.id] == nil else {
            throw SimulatedMove.cannotMove("its destination has a disk of it already.")
        }
        arrive(machine)
        return SimulatedMove.arrival
    }

    public func depart(_ machine: Machine, to arrival: Arrival, certificate: String) throws -> MoveStatus {
        switch moving[machine.id] {
        case .departed: return .switched
        case .departing where running.contains(machine.id):
            leave(machine.id)
            return .switched
        case nil where running.contains(machine.id):
            setOut(machine.id)
            return SimulatedMove.copying(machine)
        case nil, .departing, .arriving: return SimulatedMove.hasEnded
        }
    }

    public func finishArrival(_ id: Int64) throws {
        guard moving[id] == .arriving || running.contains(id) else {
            throw SimulatedMove.cannotMove("its machine has ended at its destination. Cancel the move.")
        }
        goOn(id)
    }

    public func finishDeparture(_ id: Int64) throws {
        guard moving[id] == .departed || diskSizes[id] == nil else {
            throw SimulatedMove.cannotMove("it is on this host still. Nothing was removed.")
        }
        forget(id)
    }

    public func cancelArrival(_ id: Int64) throws {
        guard moving[id] == .arriving || diskSizes[id] == nil else {
            throw SimulatedMove.cannotMove("it has reached its destination.")
        }
        forget(id)
    }

    public func cancelDeparture(_ id: Int64) {
        switch moving[id] {
        case .departed: goOn(id)
        case .departing: stay(id)
        case nil, .arriving: break
        }
    }
}
