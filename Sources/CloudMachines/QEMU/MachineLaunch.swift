/// One start of a machine's QEMU: its arguments, and what it gets open besides its folder's files.
struct MachineLaunch: Sendable {
    var arguments: QEMUArguments
    var disk: MachineDisk.Opened
    /// `nil` in user mode.
    var tap: OpenFile?
    /// The folder of its control group; `nil`: it stays in ours.
    var group: String?

    /// Starts it, and closes our side of all that it gets, so that whatever is left open is its own.
    func start(_ program: QEMUProgram, _ directory: MachineDirectory) async throws {
        let vector = try arguments.vector
        try await HostEffect.startProcess.make {
            var files: [OpenFile] = []
            for handle in arguments.handles { files.append(try await open(handle, directory)) }
            try await program.start(
                vector, files: files, pidFile: directory.pidFile,
                group: group,
                log: directory.qemuLog)
        }
    }

    private func open(
        _ handle: QEMUArguments.Handle, _ directory: MachineDirectory
    ) async throws -> OpenFile {
        switch handle {
        case .disk: disk.disk
        case .base: disk.base
        case .seed: try OpenFile.regular(directory.seed)
        case .monitor: try OpenFile.listener(directory.monitorSocket)
        case .serial: try OpenFile.listener(directory.serialSocket)
        case .consoleLog: try await ConsoleLog.open(directory)
        case .tap: try tap ?? OpenFile.null()
        case .kernel: try OpenFile.regular(arguments.image.kernel?.kernel ?? "")
        case .initrd: try OpenFile.regular(arguments.image.kernel?.initrd ?? "")
        }
    }
}
