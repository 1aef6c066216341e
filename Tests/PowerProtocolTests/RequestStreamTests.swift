import Testing

@testable import PowerProtocol

@Suite("What clients send")
struct RequestStreamTests {
  private func events(_ chunks: [String]) -> [RequestStream.Event] {
    var stream = RequestStream()
    return chunks.flatMap { stream.take(Array($0.utf8)) }
  }

  @Test(
    "is cut into requests where it begins with a brace, and ignored where it does not",
    arguments: [
      ([], []), ([""], []), (["\n"], []), (["\n{}\n"], []), (["GET / HTTP/1.1\r\n{}\n"], []),
      (["{}\n"], ["{}"]), (["{", "}", "\n"], ["{}"]), (["{}\n{}\n{"], ["{}", "{}"]), (["{}\njunk\n"], ["{}", "junk"]),
      (["{\u{0}\u{7F}\n"], ["{\u{0}\u{7F}"]),
    ] as [([String], [String])])
  func cutting(chunks: [String], requests: [String]) {
    #expect(events(chunks) == requests.map { .request(Array($0.utf8)) })
  }

  @Test("a request of 4,096 bytes is one, a longer one ends the stream")
  func length() {
    let longest = "{" + String(repeating: "x", count: 4095)
    #expect(events([longest + "\n"]) == [.request(Array(longest.utf8))])
    #expect(events([longest, "x", "\n{}\n"]) == [.tooLong])
    #expect(events(["{}\n" + longest + "x\n"]) == [.request(Array("{}".utf8)), .tooLong])
  }

  @Test("nothing more is read once nothing more can matter")
  func exhausted() {
    var ignored = RequestStream()
    _ = ignored.take(Array("hello".utf8))
    #expect(!ignored.isExhausted)
    _ = ignored.take([UInt8](repeating: 0x7B, count: 65_536))
    #expect(ignored.isExhausted)
    var ended = RequestStream()
    _ = ended.take([UInt8](repeating: 0x7B, count: 5000))
    #expect(ended.isExhausted)
  }
}
