internal import ArgumentParser
internal import CFUSE
internal import Glibc
internal import PowerClient
internal import PowerProtocol
internal import ServiceManager
internal import Synchronization
internal import SystemCalls

/// Serves a powercap tree that shows the energy which the service measures. `pkg-watt-stat powercap` and `pkg-watt-stat with`
/// start it.
@main
struct PowercapTree: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "powercap-tree",
    abstract:
      "Serve a powercap tree that shows the service's energy. pkg-watt-stat powercap and with start this program.")

  @Argument(
    help: """
      The folder to mount on, or /dev/fd/N for a FUSE connection that is mounted already; with --hand-over the socket to make, at \
      which root hands over such a connection.
      """)
  var mountPoint: String

  @Flag(help: "Wait for a FUSE connection from root, as a service that holds no right itself.")
  var handOver = false

  @Option(help: ArgumentHelp("The service's socket.", valueName: "path"))
  var socket: String?

  @Option(help: ArgumentHelp("The ID of the user who started this, if it now runs as another user.", valueName: "uid"))
  var caller: UInt32?

  @Option(
    help: ArgumentHelp("Where to tell the caller that the tree is ready, or why it is not.", valueName: "descriptor"))
  var channel: Int32?

  @Flag(help: "Follow the service from the start: whoever started this is about to read.")
  var soon = false

  func run() throws {
    var signals = sigset_t()
    var report = Report(channel: channel)
    let blocked = unsafe ctree_block_ending_signals(&signals)
    guard blocked == 0 else { report.fail("Cannot set up signal handling: \(errorText(blocked)).") }
    let caller = caller ?? geteuid()
    let address = ServiceAddress(
      socket, caller: caller, patienceMilliseconds: Self.patienceMilliseconds, warn: report.warn)
    do throws(ClientError) {
      var connection = try address.connectTrusting(interrupt: -1)
      let info = try connection.info()
      if info.isSimulated { report.warn("The service is simulated: all energy in the powercap tree is invented.") }
      Served.begin(info, user: caller, group: caller == geteuid() ? getegid() : 0)
    } catch {
      report.fail("\(error)")
    }
    var (mountPoint, beatSeconds) = (mountPoint, 0.0)
    if handOver {
      do throws(NotifierError) { beatSeconds = try Watchdog.begin() } catch { report.fail("\(error)") }
      guard let taken = Self.connection(at: mountPoint, &signals, report) else { return }
      (mountPoint, report) = ("/dev/fd/\(taken.connection)", Report(channel: taken.channel))
    }
    var operations = FileSystem.operations
    // Root's tree is for everyone. Another user may open a tree to others only if /etc/fuse.conf says so.
    let options = FileSystem.options + (geteuid() == 0 ? ",allow_other" : ",auto_unmount")
    guard let session = unsafe ctree_session(&operations, options) else {
      report.fail("libfuse cannot begin a session.")
    }
    guard unsafe fuse_session_mount(session, mountPoint) == 0 else {
      report.fail(
        "Cannot mount the powercap tree at \(mountPoint). The reason is above. Users other than root need fusermount3 (package fuse3)."
      )
    }
    Self.address.withLock { $0 = address }
    if soon {
      Served.with { $0.expectRead(ctree_monotonic_seconds()) }
      ctree_wake(Served.alarm)
    }
    let failed = unsafe ctree_start_thread { _ in
      guard let address = PowercapTree.address.withLock({ $0 }) else { return nil }
      Follower(address: address, say: PowercapTree.say).run()
    }
    if failed != 0 { report.warn("Cannot start a thread: \(errorText(failed)).") } else { report.ready(mountPoint) }
    let error = failed != 0 ? failed : unsafe ctree_serve(session, &signals, beatSeconds) { Watchdog.beat() }
    unsafe fuse_session_unmount(session)
    unsafe fuse_session_destroy(session)
    guard error == 0 else {
      StandardError.say("Error: The powercap tree has ended: \(errorText(error)).")
      throw ExitCode.failure
    }
  }

  /// How long the service may take to accept a connection and to answer.
  private static let patienceMilliseconds: Int32 = 1000

  /// Waits for a FUSE connection from root.
  ///
  /// - Returns: nil if a signal ends this program before.
  private static func connection(
    at path: String, _ signals: inout sigset_t, _ report: Report
  ) -> (connection: Int32, channel: Int32)? {
    let listener = unsafe ctree_listen(path)
    guard listener >= 0 else { report.fail("Cannot listen at \(path): \(errorText(-listener)).") }
    let untold = Watchdog.tell("READY=1")
    guard untold == 0 else {
      report.fail("Cannot tell the service manager that the server is ready: \(errorText(untold)).")
    }
    let handed = unsafe ctree_take_connection(listener, &signals)
    if handed.error == EINTR { return nil }
    guard handed.error == 0 else {
      report.fail("Cannot take a FUSE connection at \(path): \(errorText(handed.error)).")
    }
    return (handed.connection, handed.channel)
  }

  /// A thread's body has no context.
  private static let address = Mutex<ServiceAddress?>(nil)
  private static let said = Mutex<ClientError?>(nil)

  /// Tells news of the service on stderr.
  private static func say(_ error: ClientError?) {
    let before = said.withLock { said in
      defer { said = error }
      return said
    }
    guard before != error else { return }
    StandardError.say(error.map { "Warning: No energy: \($0)" } ?? "The service answers again.")
  }
}

/// Tells the caller how the start went: through a channel, or on stderr. After the start only stderr is left.
final class Report: Sendable {
  private let channel: Mutex<Int32?>

  init(channel: Int32?) { self.channel = Mutex(channel) }

  @Sendable func warn(_ text: String) { say("Warning: \(text)") }

  func ready(_ mountPoint: String) {
    channel.withLock { channel in
      guard let open = channel else { return StandardError.say("Ready: serving energy_uj in \(mountPoint).") }
      _ = writeAll("ready\n".utf8, to: open)
      close(open)
      channel = nil
    }
  }

  func fail(_ reason: String) -> Never {
    say("Error: \(reason)")
    exit(1)
  }

  private func say(_ line: String) {
    channel.withLock { channel in
      if let channel { _ = writeAll((line + "\n").utf8, to: channel) } else { StandardError.say(line) }
    }
  }
}
