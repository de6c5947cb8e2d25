import CloudCore
import CloudMachines

/// The steps of an image's life, each a call of the host that has it.
struct ImageWorkflow: Sendable {
    let host: any MachineHost
    let catalogue: Catalogue
    /// Whether anything costs.
    let isBilled: Bool

    typealias Outcome = StepOutcome<ImageNews>

    /// Between two looks at an image that is being made, in milliseconds.
    static let lookMs: Int64 = 500
    /// Between two looks whether an upload's time is over, in milliseconds: whoever has sent all of it wakes the job.
    static let contentPollMs: Int64 = 60_000

    func run(_ step: ImageStep, _ subject: ImageSubject, nowMs: Int64) async throws -> Outcome {
        switch step {
        case .content: return .news(.content)
        case .make: return try await make(subject)
        case .kept, .done: return .rest
        case .erase:
            try await host.teamImages.eraseImage(subject.image.onHost)
            return .done
        }
    }

    private func make(_ subject: ImageSubject) async throws -> Outcome {
        let making: ImageMaking
        do {
            making = try await host.teamImages.makeImage(subject.image.onHost, of: subject.material)
        } catch let error as CloudError where error.endsCopy || error.code == .conflict {
            return .fail(ComputeFailure(subject.failureCode, error.message))
        }
        switch making {
        case .working(let note): return .wait(milliseconds: Self.lookMs, note: note)
        case .made(let made): return .news(.made(made))
        case .failed(let reason):
            return .fail(ComputeFailure(subject.failureCode, "The image could not be made: \(reason)"))
        }
    }
}
