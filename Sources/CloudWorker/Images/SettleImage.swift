import CloudCore
import CloudDatabase
import CloudMachines
import CloudVerbs
import Logging

/// A team's own image with what it is made of.
struct ImageSubject: WorkflowSubject {
    var image: TeamImage
    /// As its host knows it.
    var material: ImageMaterial

    var id: Int64 { image.id }
    var job: Job<ImageAction> { image.job }
    var label: Logger.Metadata { ["image": "\(image.id)", "team": "\(image.teamId)"] }

    init(_ image: TeamImage, _ sql: any SQLConnection) throws {
        self.image = image
        switch image.origin {
        case .snapshot(let id):
            guard let snapshot = try sql.snapshots.get(id) else {
                throw CloudError.bug("image \(image.id) of no snapshot")
            }
            material = .snapshot(DiskSnapshot(snapshot))
        case .compute(let id):
            guard let compute = try sql.computes.get(id) else {
                throw CloudError.bug("image \(image.id) of no compute")
            }
            material = .disk(machineId: id, createdAtMs: compute.createdAtMs)
        case .upload(let file, let size): material = .upload(file, size: size)
        case .url(let url, let file): material = .url(url, file)
        }
    }

    /// What is wrong when it can't be made: what came from outside, or what is on the host.
    var failureCode: FailureCode {
        switch image.origin {
        case .snapshot, .compute: .hostFailed
        case .upload, .url: .imageUnavailable
        }
    }
}

/// What a step of an image may find.
enum ImageNews: Sendable, Equatable, CustomStringConvertible {
    /// The rows say whether all of the upload has come.
    case content
    /// The image is complete.
    case made(MadeImage)

    /// For labels.
    var description: String {
        switch self {
        case .content: "wait"
        case .made: "advance"
        }
    }
}

/// What an outcome means for the rows of an image.
extension ImageWorkflow: Workflow {
    static let kind = ResourceKind.image

    static func write(of step: ImageStep) -> DurableWrite { .outcome(of: step) }

    func find(_ id: Int64, _ sql: any SQLConnection) throws -> ImageSubject? {
        try sql.images.get(id).map { try ImageSubject($0, sql) }
    }

    func settle(_ news: ImageNews, _ subject: ImageSubject, _ turn: Turn) throws -> Turnout<ImageAction> {
        // Who has asked for its end in the meantime gets that.
        guard subject.job.action == .receive || subject.job.action == .make else { return .next }
        switch news {
        case .content: return try content(subject.image, turn)
        case .made(let made):
            try turn.sql.imageVerbs.keep(
                subject.image, made,
                price: isBilled ? catalogue.price(ofImageGb: Snapshot.billedGb(made.bytes)) : .free,
                nowMs: turn.nowMs)
            return .restAt(.keep)
        }
    }

    private func content(_ image: TeamImage, _ turn: Turn) throws -> Turnout<ImageAction> {
        guard case .upload(_, let size) = image.origin else {
            throw CloudError.bug("image \(image.id) waits for an upload, and is of none")
        }
        guard image.received >= size else {
            return .wait(
                milliseconds: Self.contentPollMs,
                note: "waits for the upload, of which \(image.received) of \(size) bytes have come")
        }
        try turn.sql.imageVerbs.prepare(image, nowMs: turn.nowMs)
        return .next
    }

    func complete(_ subject: ImageSubject, _ turn: Turn) throws -> Turnout<ImageAction> {
        switch subject.job.action {
        case .delete, .cleanUp:
            try turn.sql.imageVerbs.finish(subject.image, nowMs: turn.nowMs)
            return .restAt(.gone)
        case .receive, .make, .keep, .gone:
            throw CloudError.bug(
                "the action \(subject.job.action.rawValue) of image \(subject.id) has ended")
        }
    }

    func fail(
        _ subject: ImageSubject, _ failure: ComputeFailure, _ turn: Turn
    ) throws -> Turnout<ImageAction> {
        switch subject.job.action {
        case .receive, .make:
            try turn.sql.imageVerbs.fail(subject.image, failure, nowMs: turn.nowMs)
            return .begin(.cleanUp, at: nil)
        // Whoever asked for the end gets it.
        case .delete: return .next
        case .cleanUp, .keep, .gone:
            throw CloudError.bug("image \(subject.id) failed at '\(subject.job.step.rawValue)'")
        }
    }

    func giveUp(_ subject: ImageSubject, late: String, _ turn: Turn) throws -> Turnout<ImageAction> {
        try fail(
            subject,
            ComputeFailure(.deadlineExceeded, "\(late) Make another; if it persists, ask the operator."),
            turn)
    }
}
