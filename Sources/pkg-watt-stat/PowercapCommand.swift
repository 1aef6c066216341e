internal import ArgumentParser
internal import Glibc
internal import PowercapMount
internal import SystemCalls

/// Mounts a powercap tree that shows the service's energy.
struct PowercapCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "powercap",
    abstract: "Mount a powercap tree that shows the service's energy, as files that need no root.",
    discussion: """
      The folder gets the files of /sys/class/powercap: intel-rapl:0/energy_uj and others, which count microjoules. If root \
      mounts it, everyone may read it; otherwise only your own programs may. It stays until SIGTERM, SIGINT or SIGHUP ends this \
      command. The files show energy as the socket gives it to everyone: in windows of 250 ms, rounded to 10 mJ. While the \
      service does not answer or has no recent reading, reading energy_uj fails with "No data available".
      """)

  @OptionGroup var service: ClientOptions

  @Argument(help: ArgumentHelp("The folder to mount the tree on.", valueName: "dir"))
  var folder: String

  func validate() throws {
    if folder.isEmpty { throw ValidationError("powercap needs the path of a folder.") }
  }

  func run() throws {
    let program = try TreeProgram()
    guard geteuid() == 0 else { try OwnTree.execute(program, on: folder, socket: service.socket) }
    let tree = try SharedTree(program, on: folder, socket: service.socket)
    for warning in tree.warnings { StandardError.complain(warning) }
    StandardError.say("Ready: serving energy_uj in \(folder).")
    try tree.wait(on: folder)
  }
}
