import CloudCore
import NIOCore
import Synchronization

/// What a body comes from has failed: not the host's fault, and passed on as it is.
struct SourceFailure: Error {
    var error: any Error
}

extension LinkAsk {
    /// Runs `body`, whose errors besides those of the desk become `SERVICE_UNAVAILABLE` with the host's name.
    func translated<T>(_ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch let error as CloudError {
            throw error
        } catch let failure as SourceFailure {
            throw failure.error
        } catch {
            // Whoever is cancelled closes the connection, and finds it closed.
            try Task.checkCancellation()
            throw unavailable(error)
        }
    }

    private func unavailable(_ error: any Error) -> CloudError {
        let what =
            switch error as? LinkFault {
            case .stalled: "did not answer in time"
            case .otherProtocol, .malformed: "does not speak as this server does"
            case .closed, nil: "closed the connection before it was done"
            }
        return CloudError(
            .serviceUnavailable,
            "The host '\(way.name.shown)' \(what). Try again; if it persists, the log of its worker says why.",
            detail: "\(error)")
    }
}

/// The bytes of an answer that is under way. Closes the connection at the end, and when nobody has it any more.
final class AnswerBody: Sendable {
    private let ask: LinkAsk
    private let isOver = Flag()

    init(_ ask: LinkAsk) { self.ask = ask }

    deinit { ask.connection.close() }

    func next() async throws -> [UInt8]? {
        guard !isOver.isSet else { return nil }
        do {
            let bytes = try await ask.translated { try await ask.next() }
            if let bytes { return Array(bytes.readableBytesView) }
        } catch {
            ask.connection.close()
            throw error
        }
        isOver.set()
        ask.connection.close()
        return nil
    }
}
