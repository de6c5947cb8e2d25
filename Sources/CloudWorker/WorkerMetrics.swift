import CloudCore
import CloudMachines
import CloudMetrics

/// What the worker counts.
public struct WorkerMetrics: Sendable {
    private let steps = Histogram(
        "strettch_step_duration_seconds", help: "One run of a step of a job.",
        labels: ["step", "outcome"], bounds: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60])
    private let creations = Histogram(
        "strettch_compute_creation_seconds", help: "From the acceptance of a create to RUNNING.",
        bounds: [1, 2.5, 5, 10, 20, 30, 60, 120, 300, 900, 3600])
    private let boots = Counter("strettch_boots_total", help: "Guests that were started.")

    private let drifts = Counter(
        "strettch_drift_total",
        help: "What somebody did to machines or the network by hand, and that was put right or reported.",
        labels: ["what"])
    private let orphans = Counter(
        "strettch_orphans_removed_total", help: "Machines without a compute that were removed from the host.")

    private let warm = Level("strettch_warm_guests", help: "Guests that are booted ahead and ready.")
    private let taken = Counter(
        "strettch_warm_taken_total", help: "Guests booted ahead that became computes.")

    private let standing = Level(
        "strettch_guests_out_of_space", help: "Guests that stand still, since the host's disk is full.")
    private let held = Counter(
        "strettch_guests_held_total", help: "Guests that were stopped to keep the reserve of the host's disk."
    )
    private let free = Level("strettch_disk_free_bytes", help: "Free where guests' disks lie.")
    private let reserve = Level(
        "strettch_disk_reserve_bytes",
        help: "What of it is kept for the host: guests that grow are held below it.")

    public init() {}

    /// How many guests stand still for want of space.
    func standStill(_ count: Int) { standing.set(count) }

    func looked(_ report: SpaceReport) {
        free.set(Int(clamping: report.space.free))
        reserve.set(Int(clamping: report.reserve.bytes))
        held.add(Double(report.held.count))
    }

    func ran(_ step: String, _ outcome: String, after duration: Duration) {
        steps.observe(duration, step, outcome)
    }

    func booted() { boots.add() }

    func drifted(_ drift: MachineDrift) { drifts.add(1, drift.rawValue) }

    /// The host's network was not what it should be.
    func networkDrifted() { drifts.add(1, "network") }

    func removedOrphan() { orphans.add() }

    /// - Parameter milliseconds: since the create was accepted.
    func created(after milliseconds: Int64) { creations.observe(.milliseconds(milliseconds)) }

    /// How many guests are ready ahead, and how many became computes since the last look.
    func warmed(ready: Int, taken new: Int) {
        warm.set(ready)
        taken.add(Double(new))
    }

    public var families: [MetricFamily] {
        [
            steps.family, creations.family, boots.family, drifts.family, orphans.family, warm.family,
            taken.family, standing.family, held.family, free.family, reserve.family,
        ]
    }
}
