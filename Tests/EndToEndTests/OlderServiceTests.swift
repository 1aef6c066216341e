import Foundation
import Testing

@Suite("A service that is older than this client", .enabled(if: Executables.isRoot, "needs root"))
struct OlderServiceTests {
  /// Stands between a client and a service, and makes it one that lists no requests, refuses members that it does not know,
  /// and gives the trusted a fresh window whenever they ask for a sample.
  private static let old = """
    import json, socket, sys, threading
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[2])
    listener.listen()
    print("listens", flush=True)
    def answers(service, client):
        for line in service.makefile():
            if line.startswith('{"info"'):
                answer = json.loads(line)
                del answer["info"]["requests"]
                line = json.dumps(answer) + "\\n"
            try: client.sendall(line.encode())
            except OSError: break
    while True:
        client = listener.accept()[0]
        service = socket.socket(socket.AF_UNIX)
        service.connect(sys.argv[1])
        threading.Thread(target=answers, args=(service, client), daemon=True).start()
        for line in client.makefile():
            request = json.loads(line)
            print("asked", line.strip(), flush=True)
            if "fresh" in request:
                error = {"code": "unknown_request", "message": 'This request knows no member "fresh"'}
                client.sendall((json.dumps({"error": error}) + "\\n").encode())
                continue
            if request == {"get": "sample"}: request["fresh"] = True
            service.sendall((json.dumps(request) + "\\n").encode())
        service.close()
    """

  @Test("measures a command exactly all the same")
  func run() throws {
    let service = try Service.simulated()
    let (socket, report) = (service.folder.file("old.sock"), service.folder.file("report"))
    let old = try Child(["python3", "-c", Self.old, service.socket, socket])
    try wait(for: "the older service") { old.output.contains("listens\n") }
    let (code, output) = try Child.run([
      Executables.service, "run", "--socket", socket, "--json", "--output", report, "--", "sleep", "0.5",
    ])
    #expect(code == 0, "\(output)\(old.output)")
    #expect(old.output.contains(#"asked {"get": "sample"}"#), "\(old.output)")
    let run = try JSONDecoder().decode(RunReport.self, from: Data(contentsOf: URL(filePath: report)))
    let total = try #require(run.total)
    // The edges of half a second within windows of some milliseconds, not of 250.
    #expect(run.exact && total.joules_uncertainty < total.joules / 4, "\(run)")
  }
}
