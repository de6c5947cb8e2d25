import CloudCore
import CloudDatabase

/// The kinds of events that tell of a state.
enum StateEvent {
    static let running = "compute.running"
    static let stopped = "compute.stopped"
    static let failed = "compute.failed"
    static let destroyed = "compute.destroyed"

    static let all =
        [running, stopped, failed, destroyed]
        + ComputeAction.asked.filter { $0 != .update }.map(\.requestedKind)

    /// The kinds of which the newest must be there in this state, and newer than all that tell of other states.
    static func expected(_ state: ComputeState) -> Set<String> {
        switch state {
        case .creating: [ComputeAction.create.requestedKind]
        case .running: [running]
        case .stopped: [stopped]
        case .starting: [ComputeAction.start.requestedKind, ComputeAction.restore.requestedKind]
        case .rebooting: [ComputeAction.reboot.requestedKind, ComputeAction.restore.requestedKind]
        case .destroying: [ComputeAction.delete.requestedKind]
        case .destroyed: [destroyed]
        case .failed: [failed]
        }
    }

    /// What may be newer in this state: requests that change no state at once.
    static func mayFollow(_ state: ComputeState) -> Set<String> {
        switch state {
        case .running, .starting, .rebooting: [ComputeAction.stop.requestedKind]
        case .stopped: [ComputeAction.upsize.requestedKind]
        case .creating, .destroying, .destroyed, .failed: []
        }
    }
}

extension AuditSnapshot {
    /// The audit log.
    var eventFindings: [AuditFinding] {
        gapFindings + computes.compactMap { stateFinding($0.compute) }
            + destroyedEventsAmiss.map {
                AuditFinding(
                    .stateHasItsEvent, computeId: $0.computeId,
                    "compute \($0.computeId) is DESTROYED, and \($0.count) events tell of it in place of 1. Restore the "
                        + "events from a backup.")
            }
    }

    private var gapFindings: [AuditFinding] {
        if let isGuarded = events.isGuarded { return isGuarded ? [] : [Self.unguarded] }
        guard events.count > 0, events.first != 1 || events.count != events.last else { return [] }
        return [
            AuditFinding(
                .eventsHaveNoGap,
                "there are \(events.count) events with ids from \(events.first) to \(events.last). Some were taken "
                    + "out: restore them from a backup.")
        ]
    }

    private static let unguarded = AuditFinding(
        .eventsHaveNoGap,
        "the trigger events_append_only is not in force, so that events can be taken out unseen. Compare them with a "
            + "backup, and enable it: ALTER TABLE events ENABLE TRIGGER events_append_only.")

    private func stateFinding(_ compute: Compute) -> AuditFinding? {
        guard compute.state != .destroyed else { return nil }
        let ignored = StateEvent.mayFollow(compute.state)
        let newest = (newestEvents[compute.id] ?? [:]).filter { !ignored.contains($0.key) }
            .max { $0.value < $1.value }?.key
        guard newest.map({ !StateEvent.expected(compute.state).contains($0) }) ?? true else { return nil }
        return AuditFinding(
            .stateHasItsEvent, computeId: compute.id,
            "compute \(compute.id) is \(compute.state.rawValue), and the newest event that tells of its state is "
                + "\(newest ?? "none"). Restore the events from a backup.")
    }
}
