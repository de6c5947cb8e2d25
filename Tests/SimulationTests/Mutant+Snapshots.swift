import CloudAudit
import CloudCore
import CloudMachines
import CloudSimulation

extension Mutant {
    /// Bugs in what becomes of snapshots and images.
    static let ofSnapshots: [Mutant] = [
        Mutant(
            "loses what it has taken", breaks: Invariant.snapshot, in: { $0.shape.takesSnapshots },
            Sabotage(host: { WrongHost(host: $0, forgetsSnapshots: true) })),
        Mutant(
            "loses an image that it has made", breaks: Invariant.image,
            in: { history in
                history.shape.takesSnapshots
                    && history.scripts.joined().contains {
                        if case .makeImage = $0.kind { true } else { false }
                    }
            },
            Sabotage(host: { WrongHost(host: $0, forgetsImages: true) })),
        Mutant(
            "does not show that a snapshot is READY", breaks: ClientPromise.acceptedSnapshotIsThere,
            .sql { statement in
                statement.has("UPDATE snapshots SET state = $2") && statement.text(2) == "READY"
                    ? .skip() : .none
            }),
    ]
}

/// Images that are gone as soon as they are made.
struct ForgetfulOfImages: ImageHost {
    let host: any ImageHost

    func makeImage(_ image: ImageOnHost, of material: ImageMaterial) async throws -> ImageMaking {
        let making = try await host.makeImage(image, of: material)
        if case .made = making { try await host.eraseImage(image) }
        return making
    }

    func eraseImage(_ image: ImageOnHost) async throws { try await host.eraseImage(image) }
    func imageIds() async throws -> Set<Int64> { try await host.imageIds() }
    func receive(
        _ image: ImageOnHost, size: Int64, from offset: Int64, _ bytes: ByteStream
    ) async throws -> Int64 { try await host.receive(image, size: size, from: offset, bytes) }
    func file(_ name: String, of image: ImageOnHost, from offset: Int64) async throws -> ByteStream {
        try await host.file(name, of: image, from: offset)
    }
}

/// Snapshots that are gone as soon as they are taken.
struct Forgetful: SnapshotHost {
    let host: any SnapshotHost

    func takeSnapshot(_ snapshot: DiskSnapshot, of machine: Machine) async throws -> SnapshotProgress {
        let progress = try await host.takeSnapshot(snapshot, of: machine)
        if case .taken = progress { try await host.eraseSnapshot(snapshot) }
        return progress
    }

    func eraseSnapshot(_ snapshot: DiskSnapshot) async throws { try await host.eraseSnapshot(snapshot) }

    func makeDisk(_ machine: Machine, from snapshot: DiskSnapshot) async throws -> CopyProgress {
        try await host.makeDisk(machine, from: snapshot)
    }

    func restoreDisk(_ machine: Machine, from snapshot: DiskSnapshot) async throws -> CopyProgress {
        try await host.restoreDisk(machine, from: snapshot)
    }

    func dropFormerDisk(_ id: Int64) async throws { try await host.dropFormerDisk(id) }
    func takeBackFormerDisk(_ id: Int64) async throws { try await host.takeBackFormerDisk(id) }
    func snapshotIds() async throws -> Set<Int64> { try await host.snapshotIds() }
}
