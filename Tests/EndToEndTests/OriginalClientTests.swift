import TestSupport
import Testing

/// Clients of the original service, written as these were: each takes what one `recv` gives for one whole object.
private enum OriginalClient: String, CaseIterable, CustomTestStringConvertible {
  /// Reads a line, and then one every half a second, on one connection.
  case reader = """
    import json, socket, sys, time
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(sys.argv[1])
    for _ in range(8):
        data = connection.recv(1024).decode().strip()
        reading = json.loads(data)
        print(f"{reading['power_watts']:.2f} {reading['timestamp']:.3f} {reading['status']}")
        time.sleep(0.5)
    """
  /// Connects anew for each reading, as a desktop widget does, and waits 2 s for it.
  case widget = """
    import json, socket, sys, time
    for _ in range(8):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(2)
            connection.connect(sys.argv[1])
            reading = json.loads(connection.recv(1024))
            print(f"{reading['power_watts']:.2f} {reading['timestamp']:.3f} {reading['status']}")
        time.sleep(0.3)
    """

  var testDescription: String { self == .reader ? "reader" : "widget" }
}

@Suite("Clients of the original service", .namesTrials)
struct OriginalClientTests {
  @Test("run unchanged, beside those that ask for more")
  func unchanged() async { await atOnce(OriginalClient.allCases, unchanged) }

  private func unchanged(client: OriginalClient) throws {
    let service = try Service.simulated()
    let subscriber = try Child([
      Executables.service, "export", "--format", "json", "--follow", "--interval", "0.25", "--socket", service.socket,
    ])
    let (code, output) = try Child.run(["python3", "-c", client.rawValue, service.socket], seconds: 30)
    #expect(code == 0, "\(output)")
    let readings = output.split(separator: "\n").map { $0.split(separator: " ") }
    #expect(readings.count == 8)
    #expect(readings.allSatisfy { $0.count == 3 && $0[2] == "simulated" && Double($0[0]).map { $0 > 0 } == true })
    let times = readings.compactMap { Double($0[1]) }
    #expect(subscriber.output.split(separator: "\n").count > 4, "\(subscriber.output)")
    #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 } && Set(times).count > 2)
  }
}
