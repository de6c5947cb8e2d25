import CloudWire
import Testing

@testable import strettch

@Suite("Progress while waiting")
struct OutputProgressTests {
    private let clear = "\r\u{1B}[2K"

    @Test("on a terminal one line lives, and each finished step leaves its time")
    func terminal() {
        var progress = OutputProgress(isTerminal: true, columns: 80)
        let boot = compute(state: "CREATING", task: task("boot", note: "waiting for a free slot"))
        #expect(
            progress.show(compute(state: "CREATING", task: task("disk")), elapsed: .zero)
                == clear + "· disk        0 s")
        #expect(
            progress.show(compute(state: "CREATING", task: task("disk")), elapsed: .seconds(2))
                == clear + "· disk        2 s")
        #expect(
            progress.show(boot, elapsed: .seconds(3))
                == clear + "✓ disk        3 s\n" + clear + "· boot        0 s  waiting for a free slot")
        #expect(
            progress.show(compute(state: "CREATING", task: task("boot")), elapsed: .seconds(68))
                == clear + "· boot        1 min 05 s")
        #expect(
            progress.show(compute(), elapsed: .seconds(70))
                == clear + "✓ boot        1 min 07 s\n" + clear + "· RUNNING     0 s")
        #expect(progress.finish() == clear)
        #expect(progress.finish() == "")
    }

    @Test("the live line is never wider than the terminal")
    func narrow() {
        var progress = OutputProgress(isTerminal: true, columns: 30)
        let long = compute(state: "CREATING", task: task("image", note: "downloading, 120 of 600 MB"))
        let line = progress.show(long, elapsed: .zero)
        #expect(line == clear + "· image       0 s  downloadin")
        #expect(line.dropFirst(clear.count).count == 29)
    }

    @Test("elsewhere there is a plain line for each change")
    func plain() {
        var progress = OutputProgress(isTerminal: false, columns: 80)
        let looks: [(ComputeWire?, Int)] = [
            (compute(state: "CREATING", task: task("image", note: "120 of 600 MB")), 0),
            (compute(state: "CREATING", task: task("image", note: "120 of 600 MB")), 1),
            (compute(state: "CREATING", task: task("image", note: "600 of\n600 MB")), 2),
            (compute(state: "CREATING", task: task("boot")), 65),
            (compute(), 66),
            (nil, 67),
        ]
        var text = ""
        for (compute, second) in looks { text += progress.show(compute, elapsed: .seconds(second)) }
        text += progress.finish()
        #expect(
            text == """
                0 s         image  120 of 600 MB
                2 s         image  600 of\u{FFFD}600 MB
                1 min 05 s  boot
                1 min 06 s  RUNNING
                1 min 07 s  gone

                """)
    }
}
