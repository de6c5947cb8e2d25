extension SimulatedHost {
    /// What a host can be asked to do.
    public enum Operation: String, Sendable, CaseIterable {
        case image, makeDisk, growDisk, makeSeed, applyNetwork, boot, answersSSH, pressPowerButton, halt,
            erase, vacate
        case prepareArrival, depart, finishArrival, finishDeparture, cancelArrival, cancelDeparture
        case takeSnapshot, eraseSnapshot, makeDiskFromSnapshot, restoreDisk, dropFormerDisk,
            takeBackFormerDisk
        case makeImage, eraseImage, receiveImage

        /// Those of a machine's move from host to host.
        public static let moves: [Operation] = [
            .prepareArrival, .depart, .finishArrival, .finishDeparture, .cancelArrival, .cancelDeparture,
        ]

        /// Those of snapshots, and of disks that are made of them (`SnapshotHost`).
        public static let snapshots: [Operation] = [
            .takeSnapshot, .eraseSnapshot, .makeDiskFromSnapshot, .restoreDisk, .dropFormerDisk,
            .takeBackFormerDisk,
        ]

        /// Those of images of teams' own (`ImageHost`).
        public static let images: [Operation] = [.makeImage, .eraseImage, .receiveImage]
    }
}
