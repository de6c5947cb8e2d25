/// What a client asks for with `POST /computes`, well-typed but not yet checked.
public struct ComputeRequest: Sendable, Equatable {
    public var hostName: String
    /// Slug, of the team's own images first; what a snapshot lies over when the disk is to be a copy of one.
    public var image: String
    /// The snapshot that its disk is to be a copy of; `nil`: it is made from the image.
    public var snapshotId: Int64?
    public var region: String
    /// Slug, or the UUID of the older dialect.
    public var specification: String
    /// Without what is around them in a file (`SSHPublicKey.trimmed`).
    public let publicKeys: [String]
    /// What is to say of each of them, for problems and warnings alike.
    private let keyVerdicts: [SSHPublicKey.Verdict]
    public var tags: [String]
    public var withPublicIp: Bool
    /// For cloud-init; `nil` for none.
    public let userData: String?
    /// What it is, read once: it may be long, and packed. `nil` for none.
    private let userDataRead: Result<UserData, UserData.Refusal>?
    public var deletionProtection: Bool

    public init(
        hostName: String, image: String, snapshotId: Int64? = nil, region: String, specification: String,
        publicKeys: [String], tags: [String] = [], withPublicIp: Bool = false, userData: String? = nil,
        deletionProtection: Bool = false
    ) {
        self.hostName = hostName
        self.image = image
        self.snapshotId = snapshotId
        self.region = region
        self.specification = specification
        self.publicKeys = publicKeys.map(SSHPublicKey.trimmed)
        keyVerdicts = self.publicKeys.map(SSHPublicKey.check)
        self.tags = tags
        self.withPublicIp = withPublicIp
        self.userData = userData
        userDataRead = userData.map { sent in Result { () throws(UserData.Refusal) in try UserData(sent) } }
        self.deletionProtection = deletionProtection
    }

    /// Every problem of the values themselves, whatever the catalogue holds.
    /// - Parameter strictKeys: refuse a key of a known type that no sshd takes, instead of warning.
    public func problems(strictKeys: Bool) -> [Problem] {
        var problems: [Problem] = []
        if let problem = HostName.problem(hostName) { problems.append(Problem("hostName", problem)) }
        if publicKeys.isEmpty {
            problems.append(Problem("publicKeys", "is empty. Send at least one, or nobody can log in."))
        }
        if publicKeys.count > SSHPublicKey.maxCount {
            problems.append(
                Problem("publicKeys", "has \(publicKeys.count) keys. Send at most \(SSHPublicKey.maxCount)."))
        }
        for (index, verdict) in keyVerdicts.prefix(SSHPublicKey.maxCount).enumerated() {
            switch verdict {
            case .valid: break
            case .unusable(let what):
                if strictKeys { problems.append(Problem("publicKeys[\(index)]", what)) }
            case .invalid(let what): problems.append(Problem("publicKeys[\(index)]", what))
            }
        }
        if case .failure(let refusal) = userDataRead { problems.append(Problem("userData", refusal.message)) }
        return problems + Tag.problems(tags)
    }

    /// What is accepted although it looks wrong, for the envelope's `warnings`.
    public var warnings: [String] {
        let keys: [String] = keyVerdicts.enumerated().compactMap { index, verdict in
            guard case .unusable(let what) = verdict else { return nil }
            return "publicKeys[\(index)] \(what)"
        }
        // What can't be read is refused, and draws no warning.
        guard case .success(let userData) = userDataRead else { return keys }
        return keys + userData.warnings.map { "userData: \($0)" }
    }

    /// Whether its user data can be read and is more than a script, which guests without cloud-init don't run.
    public var needsCloudInit: Bool {
        if case .success(let userData) = userDataRead { !userData.isScript } else { false }
    }

    /// What the slugs stand for; no image where the disk is to be a copy of a snapshot, or to lie over an image of the team's own.
    /// Throws `RESOURCE_NOT_FOUND` with every slug that the catalogue does not have.
    /// - Parameter own: the slug of the team's own image, when it has one of that name.
    public func resolve(
        in catalogue: Catalogue, own: String? = nil
    ) throws(CloudError) -> (Region, Image?, Specification) {
        var problems: [Problem] = []
        let region = catalogue.region(region)
        if region == nil { problems.append(missing("region", self.region, catalogue.regions.map(\.region))) }
        let isOfCatalogue = own == nil && snapshotId == nil
        let image = isOfCatalogue ? catalogue.image(image) : nil
        if isOfCatalogue, image == nil { problems.append(missingImage(catalogue)) }
        let specification = catalogue.specification(specification)
        if specification == nil {
            problems.append(
                missing("specification", self.specification, catalogue.specifications.map(\.specification)))
        }
        guard let region, let specification, problems.isEmpty else {
            throw CloudError(
                .resourceNotFound, problems.map { "\($0.field): \($0.message)" }.joined(separator: " "),
                problems: problems)
        }
        return (region, image, specification)
    }

    private func missingImage(_ catalogue: Catalogue) -> Problem {
        let known = catalogue.images.map(\.image).joined(separator: ", ")
        return Problem(
            "image",
            "'\(image.shown)' does not exist. Send one of \(known), or one of your team's own: GET /images.")
    }

    private func missing(_ field: String, _ value: String, _ known: [String]) -> Problem {
        Problem(field, "'\(value.shown)' does not exist. Send one of \(known.joined(separator: ", ")).")
    }
}
