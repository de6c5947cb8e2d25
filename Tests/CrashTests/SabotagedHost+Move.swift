import CloudCore
import CloudMachines

extension SabotagedHost: MovingHost {
    private var moving: any MovingHost {
        get throws {
            guard let moving = host as? any MovingHost else {
                throw CloudError.bug("a host that moves nothing")
            }
            return moving
        }
    }

    func moveCertificate() async throws -> String { try await moving.moveCertificate() }

    func departure(of machine: Machine) async throws -> Departure {
        guard !life.isOver else { throw Crash() }
        return try await moving.departure(of: machine)
    }

    func prepareArrival(
        _ machine: Machine, of image: Image, from departure: Departure, certificate: String
    ) async throws -> Arrival {
        try await pass(.prepareArrival) {
            try await moving.prepareArrival(machine, of: image, from: departure, certificate: certificate)
        }
    }

    func depart(_ machine: Machine, to arrival: Arrival, certificate: String) async throws -> MoveStatus {
        try await pass(.depart) {
            try await moving.depart(machine, to: arrival, certificate: certificate)
        }
    }

    func finishArrival(_ id: Int64) async throws {
        try await pass(.finishArrival) { try await moving.finishArrival(id) }
    }

    func finishDeparture(_ id: Int64) async throws {
        try await pass(.finishDeparture) { try await moving.finishDeparture(id) }
    }

    func cancelArrival(_ id: Int64) async throws {
        try await pass(.cancelArrival) { try await moving.cancelArrival(id) }
    }

    func cancelDeparture(_ id: Int64) async throws {
        try await pass(.cancelDeparture) { try await moving.cancelDeparture(id) }
    }
}
