import CloudCore
import CloudMachines

/// The steps of a compute's life. Each does one thing, and looks before it acts; none changes the database.
struct ComputeWorkflow: Sendable {
    let host: any MachineHost
    let images: FindImage
    let network: NetworkApplier
    let slots: BootSlots
    let snapshots: FindSnapshot
    /// Milliseconds that a guest has to shut down before its power is taken.
    let stopGraceMs: Int64
    /// Ports that lead to guests; `nil` where guests have a network of their own.
    let sshPorts: ClosedRange<Int>?
    let metrics: WorkerMetrics

    static let imagePollMs: Int64 = 500
    static let bootSlotPollMs: Int64 = 250
    /// Between two looks at a booting guest, each of which itself takes the host up to a second.
    static let confirmPollMs: Int64 = 10
    static let stoppingPollMs: Int64 = 200
    static let spacePollMs: Int64 = 1000

    typealias Outcome = StepOutcome<ComputeNews>

    func run(_ step: ComputeStep, _ compute: Compute, nowMs: Int64) async throws -> Outcome {
        switch step {
        case .image: return try await compute.snapshotId == nil ? image(compute) : copyDisk(compute)
        case .disk: return try await compute.snapshotId == nil ? disk(compute) : copyDisk(compute)
        case .seed:
            try await host.makeSeed(try Machine(compute))
            return .done
        case .network:
            try await network.apply()
            return .done
        case .boot: return try await boot(compute, nowMs: nowMs)
        case .confirm: return try await confirm(compute)
        case .idle: return try await idle(compute)
        case .shutdown:
            try await host.pressPowerButton(compute.id)
            return .done
        case .stopping: return try await stopping(compute, nowMs: nowMs)
        case .unplug:
            try await host.halt(compute.id)
            return .done
        case .resize: return try await resize(compute)
        case .restore: return try await restore(compute)
        case .settle:
            try await host.snapshots.dropFormerDisk(compute.id)
            return .done
        case .takeBack:
            try await host.snapshots.takeBackFormerDisk(compute.id)
            return .done
        case .halt:
            try await host.halt(compute.id)
            return .done
        case .detach:
            try await network.apply()
            return .done
        case .erase:
            try await host.erase(compute.id)
            return .done
        case .release: return .done
        case .done: return .rest
        }
    }

    private func image(_ compute: Compute) async throws -> Outcome {
        guard let image = try await images.run(compute) else { return .fail(Self.noImage(compute)) }
        switch await host.image(image) {
        case .ready: return .done
        case .preparing(let note): return .wait(milliseconds: Self.imagePollMs, note: note)
        case .unavailable(let reason): return .fail(ComputeFailure(.imageUnavailable, reason))
        }
    }

    private func disk(_ compute: Compute) async throws -> Outcome {
        guard let image = try await images.run(compute) else { return .fail(Self.noImage(compute)) }
        do {
            try await host.makeDisk(try Machine(compute), from: image)
        } catch let error as CloudError where error.code == .unprocessableEntity {
            // Trying again would change nothing.
            return .fail(ComputeFailure(.imageUnavailable, error.message))
        }
        return .done
    }

    private func boot(_ compute: Compute, nowMs: Int64) async throws -> Outcome {
        let hasSlot = try await slots.begin(compute, nowMs: nowMs)
        let machine = try Machine(compute)
        if !hasSlot, try await host.status(compute.id) == .absent {
            return .wait(
                milliseconds: Self.bootSlotPollMs, note: "waits for one of \(slots.limit) boot slots")
        }
        return try await withDisk {
            // The compute may have another port since the network was applied.
            if host.networkMode == .user, compute.job.attempts > 0 { try await network.apply() }
            do {
                try await host.boot(machine)
                metrics.booted()
            } catch let taken as SSHPortTaken {
                return .news(.portTaken(taken.port))
            }
            return .done
        }
    }

    private func resize(_ compute: Compute) async throws -> Outcome {
        let machine = try Machine(compute)
        return try await withDisk {
            try await host.growDisk(machine)
            return .done
        }
    }

    /// A disk that is gone does not come back by trying again, and nobody makes another in its place.
    private func withDisk(_ body: () async throws -> Outcome) async throws -> Outcome {
        do {
            return try await body()
        } catch let error as CloudError where error.code == .resourceNotFound {
            return .fail(ComputeFailure(.diskLost, error.message))
        }
    }

    private func confirm(_ compute: Compute) async throws -> Outcome {
        switch try await host.status(compute.id) {
        case .running: break
        case .outOfSpace:
            return .wait(milliseconds: Self.spacePollMs, note: "waits for free space on the host's disk")
        case .poweredOff:
            return .fail(
                ComputeFailure(
                    .guestStopped,
                    "The guest powered itself off before its SSH server answered. Look at what its user data does, and "
                        + "start the compute to go on."))
        case .absent, .arriving, .departed:
            return .fail(
                ComputeFailure(
                    .hostFailed, "The machine ended while it booted. Try again, or choose another image."))
        }
        return await host.answersSSH(try Machine(compute))
            ? .done
            : .wait(milliseconds: Self.confirmPollMs, note: "waits for the guest's SSH server")
    }

    private func idle(_ compute: Compute) async throws -> Outcome {
        guard compute.intent == .running else { return try await drift(compute) }
        switch try await host.status(compute.id) {
        case .running:
            return compute.failure?.code == .diskFull ? drifted(.diskFreed) : try await drift(compute)
        case .outOfSpace:
            return MachineDrift.isDiskFullNews(compute.failure?.code)
                ? drifted(.diskFull) : try await drift(compute)
        // Whoever moves it ends the move.
        case .arriving, .departed: return .rest
        case .poweredOff:
            try await host.halt(compute.id)
            return .news(
                .guestGone(
                    ComputeFailure(
                        .guestStopped, "The guest powered itself off. Start the compute to go on.")))
        case .absent:
            return .news(
                .guestGone(
                    ComputeFailure(
                        .guestCrashed,
                        "The machine ended without the guest's doing. Start the compute; if it happens again, ask the "
                            + "operator for the host's log.")))
        }
    }

    /// Looks whether what should be there of the machine is, besides its process.
    private func drift(_ compute: Compute) async throws -> Outcome {
        guard let drift = MachineDrift(compute.failure?.code, try await host.parts(of: compute.id)) else {
            return .rest
        }
        if drift == .seedLost { try await host.makeSeed(try Machine(compute)) }
        return drifted(drift)
    }

    private func drifted(_ drift: MachineDrift) -> Outcome {
        metrics.drifted(drift)
        return .news(.drifted(drift))
    }

    private func stopping(_ compute: Compute, nowMs: Int64) async throws -> Outcome {
        let graceLeftMs = compute.job.sinceMs + stopGraceMs - nowMs
        // A monitor that hangs is no reason to wait longer than for a guest that does.
        guard graceLeftMs > 0, [.running, .outOfSpace].contains(try await host.status(compute.id)) else {
            return .done
        }
        return .wait(
            milliseconds: min(Self.stoppingPollMs, graceLeftMs),
            note:
                "waits for the guest to shut down; its power is taken \(stopGraceMs / 1000) s after it was asked"
        )
    }

    private static func noImage(_ compute: Compute) -> ComputeFailure {
        ComputeFailure(
            .imageUnavailable,
            compute.imageId == nil
                ? "The image \(compute.image) is no longer in the catalogue. Choose another, or ask the operator to put it back."
                : "The team's image \(compute.image) is no longer there. Choose another: GET /images."
        )
    }
}
