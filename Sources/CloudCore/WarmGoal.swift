/// How many guests of one image and one specification a host keeps booted ahead of the computes that they become.
public struct WarmGoal: Sendable, Equatable {
    public var image: Image
    public var specification: Specification
    public var count: Int

    /// Guests at most, of all goals of a host together.
    public static let maxGuests = 100

    public init(image: Image, specification: Specification, count: Int) {
        self.image = image
        self.specification = specification
        self.count = count
    }

    /// What the guests take of the host, all together.
    public var resources: Resources {
        Resources(
            vcpus: count * specification.vcpus, memoryMb: count * specification.memoryMb,
            storageGb: count * specification.storageGb)
    }

    /// Reads `IMAGE/SPECIFICATION=COUNT`, several with commas; an empty text has none, and nothing between commas is an error. Throws `VALIDATION_ERROR` with every
    /// part that can't be used.
    public static func list(_ text: String, in catalogue: Catalogue) throws(CloudError) -> [WarmGoal] {
        var problems: [Problem] = []
        let text = text.filter { !$0.isWhitespace }
        let parts = text.isEmpty ? [] : text.split(separator: ",", omittingEmptySubsequences: false)
        let goals = parts.compactMap { goal(String($0), in: catalogue, &problems) }
        let all = goals.map(\.count).reduce(0, +)
        if all > maxGuests {
            problems.append(Problem("warm", "asks for \(all) guests. Keep at most \(maxGuests) on a host."))
        }
        guard problems.isEmpty else { throw CloudError.invalid(problems) }
        return goals
    }

    private static func goal(_ text: String, in catalogue: Catalogue, _ problems: inout [Problem])
        -> WarmGoal?
    {
        let words = text.split(omittingEmptySubsequences: false, whereSeparator: { "/=".contains($0) }).map(
            String.init)
        guard words.count == 3, let count = Int(words[2]), (1...maxGuests).contains(count) else {
            problems.append(
                Problem(
                    "warm",
                    "'\(text.shown)' is not valid. Give IMAGE/SPECIFICATION=COUNT with 1 to \(maxGuests) guests, such as "
                        + "TINY-1/S-1C=2, several with commas."))
            return nil
        }
        let (image, specification) = (catalogue.image(words[0]), catalogue.specification(words[1]))
        if image == nil { problems.append(missing("image", words[0], catalogue.images.map(\.image))) }
        if specification == nil {
            let known = catalogue.specifications.map(\.specification)
            problems.append(missing("specification", words[1], known))
        }
        guard let image, let specification else { return nil }
        return WarmGoal(image: image, specification: specification, count: count)
    }

    private static func missing(_ what: String, _ value: String, _ known: [String]) -> Problem {
        Problem(
            "warm",
            "names the \(what) '\(value.shown)', which is not in the catalogue. Give one of "
                + "\(known.joined(separator: ", ")).")
    }
}
