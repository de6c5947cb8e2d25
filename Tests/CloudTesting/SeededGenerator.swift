/// Random values that follow from a seed alone (splitmix64), for tests of what holds for all values.
public struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// 0 ..< bound; the bound is above 0.
    public mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

    /// At most `most` characters of all kinds that writers of texts stumble over: controls, quotes, slashes, accents that
    /// combine, and characters beyond the first 65,536.
    public mutating func text(most: Int = 12) -> String {
        var scalars = String.UnicodeScalarView()
        for _ in 0..<below(most + 1) { scalars.append(scalar()) }
        return String(scalars)
    }

    private mutating func scalar() -> Unicode.Scalar {
        switch below(6) {
        case 0: Unicode.Scalar(UInt8(below(32)))
        case 1: ["\"", "\\", "/", "\u{7F}", "\u{2028}", "\u{2029}"][below(6)]
        case 2: ["\u{301}", "é", "ß", "\u{FEFF}", "漢", "😀"][below(6)]
        case 3: Unicode.Scalar(UInt32(below(0x11_0000))) ?? "\u{FFFD}"
        default: Unicode.Scalar(UInt8(32 + below(95)))
        }
    }
}
