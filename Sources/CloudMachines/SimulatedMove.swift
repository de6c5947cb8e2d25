import CloudCore

/// What the pretended hosts say of a pretended move.
enum SimulatedMove {
    static let certificate = "simulated"
    static let processor = "simulated"

    static func departure(_ machine: Machine) -> Departure {
        Departure(
            board: "simulated", processor: processor, diskBytes: Int64(machine.storageGb) << 30,
            imageSha256: nil)
    }

    static let arrival = Arrival(address: "127.0.0.1", diskPort: 1, memoryPort: 2, sharesImage: false)

    static func copying(_ machine: Machine) -> MoveStatus {
        .copying("copying the disk, 0 of \(machine.storageGb << 10) MB")
    }

    static let hasEnded = MoveStatus.failed("the machine has ended on its host")

    /// Throws `CONFLICT`.
    static func check(_ departure: Departure, of machine: Machine) throws(CloudError) {
        guard departure.diskBytes == Int64(machine.storageGb) << 30 else {
            throw cannotMove("its disk has another size on its host.")
        }
        guard departure.processor == processor else { throw cannotMove("its host is no pretended one.") }
    }

    static let cannotBoot = CloudError(
        .conflict, "The compute is being moved to another host. Let the move end, or cancel it.")

    static func cannotMove(_ why: String) -> CloudError { QEMUHost.cannotMove(why) }
}
