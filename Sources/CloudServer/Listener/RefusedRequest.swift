import CloudCore
import HTTPTypes
import Logging
import NIOCore

/// Answers, counts and logs what never became a request.
struct RefusedRequest: Sendable {
    let clock: any CloudClock
    let metrics: RequestMetrics
    let logger: Logger

    func answer(_ refusal: Refusal) -> (head: HTTPResponse, body: ByteBuffer) {
        let envelope = Envelope(requestId: RequestId.make(), clock)
        metrics.refused(status: refusal.status.code)
        logger.info(
            "request refused",
            metadata: ["requestId": "\(envelope.requestId)", "status": "\(refusal.status.code)"])
        var head = HTTPResponse(
            status: refusal.status,
            headerFields: [
                .contentType: Envelope.contentType, .connection: "close", .server: "strettch",
                .requestId: envelope.requestId,
            ])
        if refusal.status == .tooManyRequests || refusal.status == .serviceUnavailable {
            head.headerFields[.retryAfter] = "1"
        }
        do {
            let body = try ByteBuffer(string: envelope.text(refusal.error))
            head.headerFields[.contentLength] = "\(body.readableBytes)"
            return (head, body)
        } catch {
            logger.critical("A refusal could not be encoded.", metadata: ["error": "\(error)"])
            head.headerFields[.contentLength] = "0"
            return (head, ByteBuffer())
        }
    }
}
