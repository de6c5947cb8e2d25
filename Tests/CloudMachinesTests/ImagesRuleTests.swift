import CloudCore
import Testing

@testable import CloudMachines

@Suite("Rules of downloads")
struct ImagesRuleTests {
    typealias Answer = DownloadDecision.Answer

    @Test(
        "an answer to a download is read as RFC 9110 has it",
        arguments: [
            (Answer(status: 200, contentLength: 10), Int64(0), DownloadDecision.restart(total: 10)),
            (Answer(status: 200, contentLength: 10), 5, .restart(total: 10)),
            (Answer(status: 200), 0, .restart(total: nil)),
            (Answer(status: 206, contentRange: "bytes 5-9/10"), 5, .append(total: 10)),
            (Answer(status: 206, contentRange: "bytes 5-9/*"), 5, .append(total: nil)),
            (
                Answer(status: 206, contentRange: "bytes 0-9/10"), 5,
                .discard("a range was asked for from byte 5, and another one came")
            ),
            (Answer(status: 206), 5, .discard("a range was asked for from byte 5, and another one came")),
            (Answer(status: 416, contentRange: "bytes */10"), 10, .complete),
            (Answer(status: 416, contentRange: "bytes */8"), 10, .discard("the server has no byte 10")),
            (Answer(status: 416), 0, .discard("the server has no byte 0")),
            (Answer(status: 503), 0, .retry("the server answered 503")),
            (Answer(status: 429), 0, .retry("the server answered 429")),
            (Answer(status: 403), 0, .fail("the server refuses it (403)")),
            (Answer(status: 404), 0, .fail("the server does not have it (404)")),
            (Answer(status: 304), 0, .fail("the server answered 304")),
        ])
    func decision(_ answer: Answer, offset: Int64, expected: DownloadDecision) {
        #expect(DownloadDecision.decide(answer, offset: offset) == expected)
    }

    @Test("what one recipe made is not taken for what another made")
    func recipes() {
        let digests = ImageRecipe.allCases.map(\.digest)
        #expect(Set(digests).count == digests.count)
        #expect(digests.allSatisfy { $0.count == 64 })
        #expect(ImageRecipe.tiny.digest == ImageRecipe.tiny.digest, "the order of its files does not count")
        let source = ImageSource.build(recipe: "tiny")
        #expect(source.origin == "recipe:tiny \(ImageRecipe.tiny.digest.prefix(16))")
        for (origin, isFrom, isOlder) in [
            (source.origin, true, false), ("recipe:tiny", false, true),
            ("recipe:tiny 0123456789abcdef", false, true),
            ("recipe:tiny-2", false, false), ("recipe:debian-12", false, false), ("import:/a", true, false),
        ] {
            let manifest = ImageManifest(image: "I", origin: origin, installedAtMs: 0, files: [])
            #expect(
                manifest.isFrom(source) == isFrom && manifest.isOlder(than: source) == isOlder, "\(origin)")
        }
    }

    @Test("only what tells versions apart lets a part be resumed")
    func validators() {
        let url = "https://example.org/disk.img"
        #expect(DownloadPart(url: url, etag: "\"a\"", lastModified: nil)?.validator == "\"a\"")
        #expect(DownloadPart(url: url, etag: "W/\"a\"", lastModified: nil) == nil)
        #expect(DownloadPart(url: url, etag: "W/\"a\"", lastModified: "Mon")?.validator == "Mon")
        #expect(DownloadPart(url: url, etag: nil, lastModified: nil) == nil)
    }

    @Test("a digest is found in either form of SHA256SUMS, by the whole name")
    func sums() {
        let digest = String(repeating: "aB", count: 32)
        let found = ExpectedDigest(algorithm: .sha256, hex: digest.lowercased())
        let text = "\(digest) *other-disk.img\n\(digest)  disk.img.manifest\r\n"
        #expect(ChecksumFile.digest(of: "disk.img", in: text) == nil)
        #expect(ChecksumFile.digest(of: "disk.img", in: text + "\(digest) *disk.img\n") == found)
        #expect(ChecksumFile.digest(of: "disk.img", in: text + "\(digest)  disk.img") == found)
        #expect(ChecksumFile.digest(of: "disk.img", in: "SHA256 (disk.img) = \(digest)\n") == found)
        #expect(ChecksumFile.digest(of: "disk.img", in: "\(digest.dropLast()) *disk.img\n") == nil)
    }

    @Test("SHA-512, names that begin with ./, and a digest alone are read; what is ambiguous is not")
    func checksumForms() {
        let (short, long) = (String(repeating: "1f", count: 32), String(repeating: "2E", count: 64))
        let sha256 = ExpectedDigest(algorithm: .sha256, hex: short)
        let sha512 = ExpectedDigest(algorithm: .sha512, hex: long.lowercased())
        for (text, wanted) in [
            ("\(long)  disk.img\n", sha512), ("\(long) *disk.img", sha512), ("\(short)  ./disk.img", sha256),
            ("\(long) *./disk.img", sha512), ("\(short)\tdisk.img\r\n", sha256), (short, sha256),
            ("\(long)\n", sha512), ("\u{FEFF}\(short)  disk.img\n", sha256), ("  \(short)  \n\n", sha256),
            ("SHA512 (disk.img) = \(long)", sha512), ("SHA256 (./disk.img) = \(short)", sha256),
            ("\(short)  other\n\(long)  disk.img", sha512),
        ] { #expect(ChecksumFile.digest(of: "disk.img", in: text) == wanted, "\(text)") }
        for text in [
            "", "\(short)\n\(short)\n", "\(short)  a/disk.img", "\(short)  .//disk.img",
            "SHA256 (disk.img) = \(long)",
            "\(short)0  disk.img", "\(short)\n# disk.img", "SHA1 (disk.img) = \(short)", "disk.img",
            "\(short)  DISK.IMG",
        ] { #expect(ChecksumFile.digest(of: "disk.img", in: text) == nil, "\(text)") }
        let spaced = "\(short)  my disk.img\nSHA256 (my disk (1).img) = \(short)"
        #expect(ChecksumFile.digest(of: "my disk.img", in: spaced) == sha256)
        #expect(ChecksumFile.digest(of: "my disk (1).img", in: spaced) == sha256)
    }

    @Test("a script's progress line is read, and nothing else is taken for one")
    func progressLines() {
        let mark = "PROGRESS "
        #expect(
            ImageProgress(scriptLine: "PROGRESS 40 unpacking packages", mark: mark)
                == ImageProgress("building: unpacking packages", fraction: 0.4))
        for line in ["PROGRESS", "PROGRESS 40", "PROGRESS x y", "PROGRESS 101 y", "I: success"] {
            #expect(ImageProgress(scriptLine: line, mark: mark) == nil)
        }
        #expect(
            ImageProgress.transfer("downloading", 120_000_000, of: 600_000_000).text
                == "downloading, 120 of 600 MB")
        #expect(ImageProgress.transfer("downloading", 120_000_000, of: nil).text == "downloading, 120 MB")
    }
}
