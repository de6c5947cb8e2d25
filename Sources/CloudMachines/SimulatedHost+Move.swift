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
        try act(.prepareArrival) {
            guard moving[machine.id] == .arriving || diskSizes[machine.id] == nil else {
                throw SimulatedMove.cannotMove("its destination has a disk of it already.")
            }
            arrive(machine)
            lay(machine.id, over: image)
        }
        return SimulatedMove.arrival
    }

    public func depart(_ machine: Machine, to arrival: Arrival, certificate: String) throws -> MoveStatus {
        var status = SimulatedMove.hasEnded
        try act(.depart) {
            switch moving[machine.id] {
            case .departed: status = .switched
            case .departing where running.contains(machine.id):
                leave(machine.id)
                status = .switched
            case nil where running.contains(machine.id):
                mark(machine.id, .departing)
                status = SimulatedMove.copying(machine)
            case nil, .departing, .arriving: break
            }
        }
        return status
    }

    public func finishArrival(_ id: Int64) throws {
        try act(.finishArrival) {
            guard (moving[id] == .arriving && !ended.contains(id)) || running.contains(id) else {
                throw SimulatedMove.cannotMove("its machine has ended at its destination. Cancel the move.")
            }
            goOn(id)
        }
    }

    public func finishDeparture(_ id: Int64) throws {
        try act(.finishDeparture) {
            guard moving[id] == .departed || diskSizes[id] == nil else {
                throw SimulatedMove.cannotMove("it is on this host still. Nothing was removed.")
            }
            forget(id)
        }
    }

    public func cancelArrival(_ id: Int64) throws {
        try act(.cancelArrival) {
            guard moving[id] == .arriving || diskSizes[id] == nil else {
                throw SimulatedMove.cannotMove("it has reached its destination.")
            }
            forget(id)
        }
    }

    public func cancelDeparture(_ id: Int64) throws {
        try act(.cancelDeparture) {
            switch moving[id] {
            case .departed where !ended.contains(id): goOn(id)
            case .departed, .departing: mark(id, nil)
            case nil, .arriving: break
            }
        }
    }
}
