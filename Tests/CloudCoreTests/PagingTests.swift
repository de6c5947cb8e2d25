import Testing

@testable import CloudCore

@Suite("Pages and cursors")
struct PagingTests {
    @Test("a cursor is read back as it was given out", arguments: [1, 20, 4711, Int64.max])
    func roundTrip(before: Int64) {
        for list in Cursor.List.allCases {
            let text = Cursor(list, before: before).text
            #expect(Cursor(text, of: list)?.before == before)
            #expect(text.utf8.count <= Cursor.maxLength)
            #expect(text.utf8.allSatisfy { HostName.isAlphanumeric($0) || "-_".utf8.contains($0) })
        }
    }

    static let garbage = [
        "", "a", "!", "1c5", "MWM1=", "MWM1 ", String(repeating: "M", count: 65), "MWMtNQ", "MWMw", "MmM1",
        // Base64url of 1c05, 1c5x, 1c, 1c99999999999999999999, and of bytes that are no text.
        "MWMwNQ", "MWM1eA", "MWM", "MWM5OTk5OTk5OTk5OTk5OTk5OTk5OQ", "_____w",
        // Decodes as 1c5 does, with other bits behind the last byte.
        "MWM1MR",
    ]

    @Test("what was never given out is no cursor", arguments: garbage)
    func neverGivenOut(_ text: String) { #expect(Cursor(text, of: .computes) == nil) }

    @Test("the cursor of one list is none of another")
    func otherList() { #expect(Cursor(Cursor(.computes, before: 5).text, of: .events) == nil) }

    @Test("a cursor takes the place of a page number, and both together are refused")
    func both() {
        var problems: [Problem] = []
        let text = Cursor(.events, before: 7).text
        let page = Page(page: nil, limit: "5", cursor: text, of: .events, &problems)
        #expect(problems.isEmpty)
        #expect(page.before == 7 && page.offset == 0 && page.limit == 5)
        _ = Page(page: "2", limit: "x", cursor: text, of: .events, &problems)
        #expect(problems.map(\.field) == ["limit", "cursor"])
    }

    @Test("there is a next page exactly when there is one row more than fits")
    func next() throws {
        let page = try Page(page: "1", limit: "2")
        let full = PageItems([9, 8] as [Int64], page, of: .events, total: 2) { $0 }
        #expect(full.items == [9, 8] && full.next == nil)
        let more = PageItems([9, 8, 7] as [Int64], page, of: .events, total: 3) { $0 }
        #expect(more.items == [9, 8] && more.next == Cursor(.events, before: 8))
    }
}

@Suite("What can be waited for and filtered by")
struct WaitAndFilterTests {
    @Test("a wait is over in a state that is waited for, and in one that leads to none of them")
    func isOver() {
        func over(_ wanted: Set<ComputeState>, in state: ComputeState) -> Bool {
            ComputeWait(states: wanted, timeout: .seconds(1)).isOver(in: state)
        }
        for state in ComputeState.allCases {
            #expect(over([state], in: state), "\(state)")
            #expect(over([.destroyed], in: state) == (state == .destroyed), "\(state) ends in DESTROYED")
            #expect(over([.creating], in: state), "nothing becomes CREATING")
        }
        let done: Set<ComputeState> = [.running, .failed, .destroying, .destroyed]
        for state in ComputeState.allCases {
            #expect(over([.running], in: state) == done.contains(state), "\(state)")
        }
    }

    @Test("no state is reachable from DESTROYED, and DESTROYED from every other")
    func reachable() {
        for state in ComputeState.allCases {
            #expect(state.reachable.contains(.destroyed) == (state != .destroyed), "\(state)")
        }
        #expect(ComputeState.destroyed.reachable.isEmpty)
    }

    static let waits: [(wait: String?, timeout: String?, fields: [String])] = [
        ("RUNNING", nil, []), ("RUNNING,FAILED", "60", []), (nil, "1", []), ("", nil, ["wait"]),
        ("running", nil, ["wait"]), ("RUNNING,", nil, ["wait"]), ("UP,DOWN", nil, ["wait"]),
        ("RUNNING", "0", ["timeout"]), ("RUNNING", "61", ["timeout"]), ("RUNNING", "1.5", ["timeout"]),
        (nil, "", ["timeout"]), (Array(repeating: "RUNNING", count: 9).joined(separator: ","), nil, ["wait"]),
        ("RUNNING", "+5", ["timeout"]), ("NO", "NO", ["timeout", "wait"]),
    ]

    @Test("states and seconds are checked, and the message names the states that there are", arguments: waits)
    func parsing(_ wait: String?, timeout: String?, fields: [String]) {
        var problems: [Problem] = []
        let parsed = ComputeWait(wait: wait, timeout: timeout, &problems)
        #expect(problems.map(\.field) == fields)
        #expect((parsed == nil) == (wait == nil))
        for problem in problems where problem.field == "wait" {
            #expect(problem.message.contains("CREATING, RUNNING"))
        }
    }

    @Test("a filter that no compute can pass is a problem, and an unusual one is none")
    func filter() {
        var problems: [Problem] = []
        let good = ComputeFilter(
            state: "RUNNING", tags: ["a", "b:c/d"], region: "KGL-1", hostName: "Web.Example", &problems)
        #expect(problems.isEmpty)
        #expect(good.state == .running && good.tags.count == 2)
        _ = ComputeFilter(state: "UP", tags: ["", "ok"], region: "a b", hostName: "_", &problems)
        #expect(problems.map(\.field) == ["state", "tag", "region", "hostName"])
    }
}
