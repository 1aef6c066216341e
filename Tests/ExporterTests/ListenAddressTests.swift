import Exporter
import Testing

@Suite("An address to listen at")
struct ListenAddressTests {
  @Test(
    "is an IP address and a port",
    arguments: [
      ("127.0.0.1:10611", true), ("[::1]:0", true), ("0.0.0.0:65535", false), ("[::]:1", false), ("127.1.2.3:1", true),
    ])
  func good(text: String, isLoopback: Bool) {
    let address = ListenAddress(text)
    #expect(address?.description == text && address?.isLoopback == isLoopback)
  }

  @Test(
    "is nothing else",
    arguments: [
      "", ":", "1", ":10611", "localhost:1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:10611",
      "127.0.0.1:x", "[127.0.0.1:1", "1.2.3:1", "[]:1", "127.0.0.1:+1", "example.org:80",
    ])
  func bad(text: String) {
    #expect(ListenAddress(text) == nil)
  }

  @Test("that cannot be listened at is said, and what to do")
  func inUse() throws {
    let first = try RunningExporter()
    let second = ExporterServer(
      ScriptedService(), at: first.address, settings: ExporterSettings(version: ""))
    let error = #expect(throws: ListenError.self) { try second.start() }
    #expect(error?.description.contains("Another program already listens at \(first.address)") == true)
    try second.stop()
  }
}
