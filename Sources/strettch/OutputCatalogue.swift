import CloudWire

/// How specifications and regions are shown to people.
enum OutputCatalogue {
    static func specifications(_ specifications: [SpecificationWire]) -> String {
        OutputTable(
            header: ["SLUG", "VCPUS", "MEMORY", "STORAGE"],
            rows: specifications.map {
                [$0.specification, String($0.vcpus), "\($0.memoryMb) MB", "\($0.storageGb) GB"]
            }
        ).text
    }

    static func regions(_ regions: [RegionWire]) -> String {
        OutputTable(
            header: ["SLUG", "NAME", "COUNTRY"], rows: regions.map { [$0.region, $0.name, $0.countryCode] }
        ).text
    }
}
