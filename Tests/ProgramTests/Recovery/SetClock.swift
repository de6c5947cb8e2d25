import CloudMachines
import Foundation

/// A real-time clock that a test sets, for one program: a small library that it loads adds what a file says. All other
/// clocks go on as they do when somebody sets the host's.
struct SetClock {
    private let folder: String

    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <time.h>

        int clock_gettime(clockid_t clock, struct timespec *time) {
            int (*next)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
            int result = next(clock, time);
            FILE *file = clock == CLOCK_REALTIME ? fopen(getenv("CLOCK_OFFSET_FILE"), "r") : NULL;
            long seconds = 0;
            if (file && fscanf(file, "%ld", &seconds) == 1) time->tv_sec += seconds;
            if (file) fclose(file);
            return result;
        }
        """

    /// Whether the library can be made here.
    static let isPossible = ["/usr/bin/cc", "/usr/local/bin/cc"].contains {
        FileManager.default.fileExists(atPath: $0)
    }

    /// Makes the library and its file in a folder.
    init(in folder: String) async throws {
        self.folder = folder
        try Self.source.write(toFile: "\(folder)/clock.c", atomically: true, encoding: .utf8)
        try await Command(
            "cc", ["-shared", "-fPIC", "-o", "\(folder)/clock.so", "\(folder)/clock.c", "-ldl"]
        ).run()
        try set(seconds: 0)
    }

    /// Sets the clock so many seconds beside the host's, now.
    func set(seconds: Int) throws {
        try "\(seconds)".write(toFile: "\(folder)/offset", atomically: true, encoding: .utf8)
    }

    /// The environment of a program that has this clock.
    var environment: [String] {
        ["LD_PRELOAD=\(folder)/clock.so", "CLOCK_OFFSET_FILE=\(folder)/offset"]
    }
}
