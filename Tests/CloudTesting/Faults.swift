import CloudCore
import CloudMachines
import Synchronization

/// Throws once, at one operation and moment, and remembers that it did.
public final class OneFault: Sendable {
    private let operation: SimulatedHost.Operation
    private let moment: SimulatedHost.Moment
    private let met = Mutex(false)

    public init(_ operation: SimulatedHost.Operation, _ moment: SimulatedHost.Moment) {
        self.operation = operation
        self.moment = moment
    }

    public var wasMet: Bool { met.withLock { $0 } }

    public func meet(_ operation: SimulatedHost.Operation, _ moment: SimulatedHost.Moment) throws {
        guard operation == self.operation, moment == self.moment else { return }
        let first = met.withLock { met in
            defer { met = true }
            return !met
        }
        if first { throw CloudError(.internalServerError, "a planted fault at \(operation) \(moment)") }
    }
}
