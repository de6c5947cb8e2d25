#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where a program runs that reads what a stranger or a guest has written. It has no user of ours, no network, no other
/// process to see and no file but the system's programs (`/usr`, read-only) and those that it gets open; and it is limited.
struct Sandbox: Sendable {
    /// An empty folder. What is put there is seen by the program alone.
    var root: String
    /// The user, and the group, that the program is; `nil`: ours, which is not root, without any right.
    var uid: UInt32?
    /// Bytes that it may write into any file.
    var fileBytes: Int64
    /// Bytes of memory that it may have.
    var memoryBytes: Int64 = 2 << 30
    /// Seconds of a processor that it may take.
    var cpuSeconds = 3600

    private static let maxOpenFiles = 64

    /// Makes the root, starts the program in it, and ends with all that it started at the first line of its input, or at the
    /// end: that is when whoever started it says so, or is gone. Who is not root may not remount `/usr`, and can't write there.
    private static let script: StaticString = #"""
        set -e
        root=$1
        shift
        mount --make-rprivate /
        mount -t tmpfs -o size=64k,mode=755 none "$root"
        mkdir "$root/usr" "$root/dev"
        : >"$root/dev/null"
        mount --rbind /usr "$root/usr"
        mount -o remount,bind,ro,nosuid "$root/usr" 2>/dev/null || :
        mount --bind /dev/null "$root/dev/null"
        for name in bin lib lib64; do ln -s "usr/$name" "$root/$name"; done
        mount -o remount,bind,ro "$root"
        exec 9<&0
        chroot "$root" "$@" </dev/null 9<&- &
        program=$!
        { read -r line <&9 || :; kill -KILL "$program"; } &
        wait "$program"
        """#

    /// The words that run a program with these arguments. Its input is what keeps it alive.
    func words(_ program: String, _ arguments: [String]) -> [String] {
        let spaces = ["--mount", "--net", "--ipc", "--pid", "--fork"]
        // Whoever is not root makes these in a space of users of its own.
        let users = uid == nil ? ["--user", "--map-root-user"] : []
        let command = Command(script: Self.script, [root] + limits + identity + [program] + arguments)
        return ["unshare"] + users + spaces + ["--", command.program] + command.arguments
    }

    private var limits: [String] {
        [
            "prlimit", "--as=\(memoryBytes)", "--cpu=\(cpuSeconds)", "--fsize=\(fileBytes)", "--core=0",
            "--nofile=\(Self.maxOpenFiles)", "--",
        ]
    }

    private var identity: [String] {
        let user = uid.map { ["--reuid=\($0)", "--regid=\($0)", "--clear-groups"] } ?? []
        return ["setpriv"] + user + ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--"]
    }
}
