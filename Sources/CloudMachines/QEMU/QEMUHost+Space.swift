import CloudCore
import QMP

extension QEMUHost {
    /// Where machines' disks lie. The folder for them is made with the first machine, so before that the one around it.
    private var diskFolder: String {
        let root = settings.disks ?? settings.dataDirectory
        let machines = MachineDirectory.all(root)
        return MachineFiles.exists(machines) ? machines : root
    }

    private func reserve(_ space: DiskSpace) -> DiskReserve {
        settings.reserve ?? DiskReserve(ofFileSystem: space.size)
    }

    /// What there is where disks lie, and what of it is kept free.
    func spaceOfDisks() throws(CloudError) -> (space: DiskSpace, reserve: DiskReserve) {
        let space = try DiskSpace(at: diskFolder)
        return (space, reserve(space))
    }

    /// Whether guests that stand still for want of space may go on.
    var hasSpaceToGoOn: Bool {
        guard let space = try? DiskSpace(at: diskFolder) else { return true }  // no reason to hold them
        return space.free >= reserve(space).goesOnAt
    }

    /// Throws `SERVICE_UNAVAILABLE` when there is no room for another disk.
    func checkSpace() throws(CloudError) {
        let (space, reserve) = try spaceOfDisks()
        guard space.free < reserve.bytes else { return }
        throw CloudError(
            .serviceUnavailable,
            "The host's disk is full: \(space.free >> 20) MiB are free, and \(reserve.bytes >> 20) MiB are kept for the "
                + "host itself. It is tried again.", detail: diskFolder)
    }

    public func keepReserve() async throws -> SpaceReport? {
        let space = try DiskSpace(at: diskFolder)
        var report = SpaceReport(space: space, reserve: reserve(space))
        // Looked at from twice the reserve on, so that there is a look to compare with when it is touched.
        guard space.free < 2 * report.reserve.bytes else {
            growth.forget()
            return report
        }
        var sizes: [Int64: UInt64] = [:]
        // By their folders, since to look for their processes takes longer, and guests write meanwhile.
        for id in try MachineFiles.ids(in: MachineDirectory.all(settings.dataDirectory)) {
            sizes[id] = DiskGrowth.allocated(directory(id).disk)
        }
        let allowance = report.reserve.allowance(free: space.free)
        var failure: (any Error)?
        for id in growth.grown(sizes, allowance: allowance) {
            do {
                if try await hold(id) { report.held.append(id) }
            } catch {
                failure = failure ?? error  // the others are held all the same
            }
        }
        if let failure { throw failure }
        return report
    }

    /// Lets the machine's guest stand still until there is space again. False when it does already, or is on its way.
    private func hold(_ id: Int64) async throws -> Bool {
        let directory = directory(id)
        guard ![directory.arrival, directory.departure].contains(where: MachineFiles.exists) else {
            return false
        }
        do {
            return try await process(id).monitor.hold(HoldMark(path: directory.hold))
        } catch is QMPError {
            return false  // it has ended, or hangs: the next look holds it if it still grows
        }
    }
}
