import Testing

@testable import CloudMachines

@Suite("What nft lists")
struct RulesetListingTests {
    private static let listing = """
        table inet t {
        \tset names {
        \t\ttype ifname . ipv4_addr
        \t\telements = { "b" . 10.0.0.2,
        \t\t\t     "a" . 10.0.0.1 }
        \t}

        \tchain c {
        \t\ttype filter hook forward priority filter; policy accept;
        \t\tiifname "x*" drop comment "hi"
        \t}
        }
        table bridge t {
        }
        """

    @Test("is taken apart into tables, chains, sets and their elements")
    func parts() {
        let lines = RulesetListing(Self.listing).lines
        #expect(lines.keys.sorted() == ["bridge t", "inet t", "inet t, chain c", "inet t, set names"])
        #expect(
            lines["inet t, set names"] == [
                "type ifname . ipv4_addr", "element \"a\" . 10.0.0.1", "element \"b\" . 10.0.0.2",
            ])
        #expect(lines["inet t, chain c"]?.last == "iifname \"x*\" drop comment \"hi\"")
    }

    @Test("differs in the order of rules, and not in that of elements")
    func order() {
        let wanted = RulesetListing(Self.listing)
        let turned = Self.listing.replacing(
            "\"b\" . 10.0.0.2,\n\t\t\t     \"a\" . 10.0.0.1", with: "\"a\" . 10.0.0.1, \"b\" . 10.0.0.2")
        #expect(RulesetListing(turned).differences(from: wanted) == [])
        let more = Self.listing.replacing("\t\tiifname", with: "\t\taccept\n\t\tiifname")
        #expect(
            RulesetListing(more).differences(from: wanted)
                == ["nftables: inet t, chain c has 'accept', which is not ours"])
        #expect(
            RulesetListing("").differences(from: wanted)
                == ["nftables: bridge t is not there", "nftables: inet t is not there"])
    }

    @Test("has none of what the kernel puts into a set by itself, and all of what else is done to the set")
    func dynamic() {
        let empty = """
            table inet t {
            \tset counts {
            \t\ttype ipv4_addr
            \t\tflags dynamic,timeout
            \t}
            }
            """
        let wanted = RulesetListing(empty)
        for elements in [
            "10.0.0.2 ct count over 9",
            "10.0.0.2 ct count over 9,\n\t\t\t     10.0.0.3 counter packets 20 bytes 580 expires 23h59m59s",
        ] {
            let listing = empty.replacing(
                "dynamic,timeout\n", with: "dynamic,timeout\n\t\telements = { \(elements) }\n")
            #expect(RulesetListing(listing).differences(from: wanted) == [], "\(elements)")
        }
        let other = RulesetListing(empty.replacing("dynamic,timeout", with: "dynamic"))
        #expect(other.differences(from: wanted).count == 2)
    }

    @Test("a ruleset becomes one line, as nft reads commands one by one")
    func oneLine() {
        let text = RulesetListing.oneLine(
            "table inet t {\n  set s {\n    elements = {\n      a,\n      b\n    }\n  }\n}")
        #expect(text == "table inet t { set s { elements = { a, b }; }; }; ")
    }
}
