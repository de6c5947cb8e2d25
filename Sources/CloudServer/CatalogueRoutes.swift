import CloudControl
import CloudCore
import CloudWire
import Hummingbird

/// What the cell offers: `/regions`, `/computes/specifications`.
struct CatalogueRoutes: Sendable {
    let cloud: Cloud

    var all: [Route] {
        [
            .api(.get, "/computes/specifications", access: .key(guests: .all), handle: specifications),
            .api(.get, "/regions", access: .key(guests: .all), handle: regions),
        ]
    }

    @Sendable
    private func specifications(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let page = try Page(request)
        let all = cloud.catalogue.specifications
        return try Envelope(context, cloud.clock).list(
            page.slice(all).map {
                SpecificationWire(
                    id: $0.id, specification: $0.specification, vcpus: $0.vcpus, memoryMb: $0.memoryMb,
                    storageGb: $0.storageGb)
            }, page, total: all.count)
    }

    @Sendable
    private func regions(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        try Envelope(context, cloud.clock).response(
            .ok,
            cloud.catalogue.regions.map {
                RegionWire(id: $0.id, region: $0.region, name: $0.name, countryCode: $0.countryCode)
            })
    }
}
